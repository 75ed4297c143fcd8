package dev.graft.trainer.constrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegexConstraintTest {
  private static final Vocabulary BPE = Walks.bpe();
  private static final Vocabulary SPM = Walks.spm();
  private static final Constraints BPE_FORMS = Constraints.of(BPE);
  private static final Constraints SPM_FORMS = Constraints.of(SPM);

  @ParameterizedTest
  @ValueSource(
      strings = {
        "abc", "a|bc|abc", "(ab|cd)*", "a?b+c*", "a{2,4}", "[a-c]{3}", "[^a-c\\n]{1,3}", "\\d{3}-\\d{4}", "\\w+@\\w+\\.(com|org)", ".{0,8}", "(a|b)*a(a|b){5}", "x(?:y|z)?", "(?<n>a)b",
        "\\u20ac|\u00e9+|\\x41", "[\u00e9-\u20ac]{1,4}", "\\p{Lu}\\p{Ll}{1,3}", "\\P{L}{2}", "[\\w.-]+", "\\s\\S", "^start$", "(^a|b)(c|d$)", "a*?b+?", "\\[\\]\\{\\}\\\\\\.", "[\\]\\-^]+", "\ud83d\ude00{2}",
        "[\ud83d\ude00-\ud83d\ude05]+", "(|a)(b|)", "\\t\\r\\f\\v?"
      })
  void walksMatch(String regex) {
    Pattern oracle = Pattern.compile(regex, Pattern.DOTALL);
    Random random = new Random(1);
    for (int i = 0; i < 30; i++) {
      assertThat(Walks.answer(BPE_FORMS.regex(regex), BPE, random, 12)).matches(oracle);
      assertThat(Walks.answer(SPM_FORMS.regex(regex), SPM, random, 12)).matches(oracle);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "abc;abc", "a?b+c*;bbcc", "(ab|cd)*;", "(ab|cd)*;abcdab", "\\d{3}-\\d{4};123-4567", ".{0,8};a\u20ac\ud83d\ude00\u00e9", "[\ud83d\ude00-\ud83d\ude05]+;\ud83d\ude00\ud83d\ude03", "[^a]+;\u20acx\u20ac", "\\w+\\s\\w+;ab abc",
        "(a|b)*a(a|b){5};abababbbbb", "\\p{L}+;\u00e9a\u00df", "a{x};a{x}", "a{,;a{,", "\\u{1F600}\\ud83d\\ude00;\ud83d\ude00\ud83d\ude00"
      })
  void whatMatchesIsAcceptedHoweverItIsCut(String regex, String text) {
    String whole = text == null ? "" : text;
    for (int seed = 0; seed < 20; seed++) {
      assertThat(Walks.accepts(BPE_FORMS.regex(regex), BPE, whole, new Random(seed))).isTrue();
      assertThat(Walks.accepts(SPM_FORMS.regex(regex), SPM, whole, new Random(seed))).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({"abc,abcd", "abc,ab", "[a-c]{3},abd", "\\d+,1a", ".,'\n'", "a{2},aaa", "[^a-c],b", "a|b,ab", "\\w,\u00e9"})
  void whatDoesNotMatchIsNot(String regex, String text) {
    assertThat(Walks.accepts(BPE_FORMS.regex(regex), BPE, text, new Random(3))).isFalse();
    assertThat(Walks.accepts(SPM_FORMS.regex(regex), SPM, text, new Random(3))).isFalse();
  }

  @Test
  void masksAreWhatTryingEachTokenGives() {
    for (String regex : List.of("(ab|abc|\u20ac)*x?", ".{3,20}", "a\ud83d\ude00[^b]", "\\w+@\\w+")) {
      TokenConstraint constraint = BPE_FORMS.regex(regex);
      Random random = new Random(5);
      List<Integer> before = new ArrayList<>();
      ConstraintState state = constraint.start();
      while (before.size() < 8 && !state.finished()) {
        BitSet mask = BitSet.valueOf(state.allowed());
        assertThat(mask).as(regex + " after " + before).isEqualTo(Walks.bruteForce(constraint, BPE, before));
        int[] text = mask.stream().filter(id -> !BPE.endOfGeneration().contains(id)).toArray();
        int token = text[random.nextInt(text.length)];
        state.accept(token);
        before.add(token);
      }
    }
  }

  @Test
  void choicesAreExact() {
    TokenConstraint constraint = BPE_FORMS.choice(List.of("ab", "abc", "\u20acuro", ""));
    for (String text : List.of("ab", "abc", "\u20acuro", "")) {
      assertThat(Walks.accepts(constraint, BPE, text, new Random(1))).isTrue();
    }
    assertThat(Walks.accepts(constraint, BPE, "a", new Random(1))).isFalse();
    ConstraintState state = constraint.start();
    state.accept(BPE.size() > 0 ? 'a' : 0);
    assertThat(state.finished()).isFalse();
    state.accept('b');
    assertThat(state.finished()).isFalse();
    assertThat(Walks.has(state.allowed(), BPE.eosId())).isTrue();
    assertThat(Walks.has(state.allowed(), 'c')).isTrue();
    state.accept('c');
    assertThat(state.finished()).isTrue();
    assertThat(Walks.tokens(state.allowed())).containsExactlyInAnyOrder(BPE.endOfGeneration().stream().mapToInt(Integer::intValue).toArray());
    assertThatThrownBy(() -> state.accept('c')).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void specialTokensAreNeverText() {
    TokenConstraint constraint = BPE_FORMS.regex("[\\s\\S]*");
    for (int id = 0; id < BPE.size(); id++) {
      boolean text = !BPE.isSpecial(id) && lands(BPE.piece(id));
      assertThat(Walks.has(constraint.start().allowed(), id)).as(BPE.text(id)).isEqualTo(text || BPE.endOfGeneration().contains(id));
    }
    assertThatThrownBy(() -> constraint.start().accept(BPE.bosId())).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> constraint.start().accept(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> constraint.start().accept(BPE.size())).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> BPE_FORMS.regex("a").start().accept(BPE.eosId())).hasMessageContaining("not whole");
  }

  /** Whether bytes can begin a text in UTF-8. */
  private static boolean lands(byte[] piece) {
    String text = new String(piece, java.nio.charset.StandardCharsets.UTF_8);
    for (String end : List.of("", "\u0080", "\u0080\u0080", "\u0080\u0080\u0080", "\u00a0\u0080", "\u0090\u0080\u0080")) {
      byte[] more = end.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
      byte[] whole = java.util.Arrays.copyOf(piece, piece.length + more.length);
      System.arraycopy(more, 0, whole, piece.length, more.length);
      if (java.util.Arrays.equals(new String(whole, java.nio.charset.StandardCharsets.UTF_8).getBytes(java.nio.charset.StandardCharsets.UTF_8), whole)) {
        return true;
      }
    }
    return text.isEmpty();
  }

  @Test
  void badExpressionsSayWhatAndWhere() {
    String[][] bad = {
      {"(a", "regular expression, character 0: '(' without ')'"},
      {"a)", "character 1: ')' without '('"},
      {"[a", "character 0: '[' without ']'"},
      {"[]", "character 0: an empty class"},
      {"*a", "character 0: '*' with nothing before it"},
      {"a**", "character 2: a second quantifier"},
      {"a{3,2}", "character 1: a repetition of at least 3 and at most 2"},
      {"a{,3}", "character 1: a repetition without a least number; write {0,3}"},
      {"(a)\\1", "character 3: back references are not supported"},
      {"a(?=b)", "character 1: look-ahead and look-behind are not supported"},
      {"(?<!a)b", "look-behind"},
      {"(?i)a", "groups of this kind"},
      {"\\bword", "word boundaries are not supported"},
      {"a$b", "^ is supported only where the text begins and $ only where it ends"},
      {"[z-a]", "a range whose first character"},
      {"[\\d-z]", "a range from or to a class"},
      {"\\q", "the escape \\q is not supported"},
      {"a++", "possessive"},
      {"\\ud800", "no Unicode character"},
      {"\\xZ1", "hexadecimal digits expected"},
      {"[[:alpha:]]", "classes by name"},
      {"\\p{Greek}", "\\p{Greek} is not supported"},
      {"[^\\s\\S]", "a class that no character is in"},
      {"a\\", "'\\' with nothing after it"},
      {"(^)*", "an anchor cannot be repeated"},
      {"((a{100}){100}){100}", "repeated too often"},
      {"(a|b)*a(a|b){40}", "too large or too ambiguous"},
      {"(.*a){12}.{30}b.*c.{20}", "too large or too ambiguous"},
      {"a{99999999999}", "repeated too often"}
    };
    for (String[] each : bad) {
      assertThatThrownBy(() -> BPE_FORMS.regex(each[0])).as(each[0]).isInstanceOf(ConstraintException.class).hasMessageContaining(each[1]);
    }
  }

  @Test
  void badListsSayWhat() {
    assertThatThrownBy(() -> BPE_FORMS.choice(List.of())).hasMessage("the list of choices is empty; give at least one");
    assertThatThrownBy(() -> BPE_FORMS.choice(List.of("a", "\ud800"))).hasMessageContaining("choice 1 is not Unicode text");
    assertThatThrownBy(() -> BPE_FORMS.regex("(".repeat(5000))).hasMessageContaining("more than 100 groups within each other");
  }
}
