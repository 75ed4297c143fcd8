package dev.graft.trainer.constrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GbnfTest {
  private static final Vocabulary BPE = Walks.bpe();
  private static final Constraints FORMS = Constraints.of(BPE);

  @Test
  void rulesCallEachOther() {
    TokenConstraint sums =
        FORMS.gbnf(
            """
            # sums of numbers
            root  ::= sum "\\n"?
            sum   ::= term ("+" term |
                            "-" term){0,3}
            term  ::= number
                    | "(" sum ")"
            number ::= [0-9]+ ("." [0-9]{1,2})? [^0-9+()\\n-]?
            """);
    Random random = new Random(1);
    for (int i = 0; i < 20; i++) {
      assertThat(Walks.answer(sums, BPE, random, 25)).matches("(?s)[(]*\\d.*");
    }
    for (String text : new String[] {"1", "1+2-3.25", "((12)+3)\n", "4\u20ac+1"}) {
      assertThat(Walks.accepts(sums, BPE, text, random)).as(text).isTrue();
    }
    for (String text : new String[] {"", "1+", "(1", "1+2+3+4+5", "1.234"}) {
      assertThat(Walks.accepts(sums, BPE, text, random)).as(text).isFalse();
    }
  }

  @Test
  void whatRepeatsByCallingItselfLastIsNotBoundedByTheStack() {
    TokenConstraint list = FORMS.gbnf("root ::= \"a\" root | \"b\"");
    assertThat(Walks.accepts(list, BPE, "a".repeat(2000) + "b", new Random(1))).isTrue();
  }

  @Test
  void whatIsTheSameInManyWaysIsFollowedOnce() {
    TokenConstraint same = FORMS.gbnf("root ::= (x | y)* \"!\"\nx ::= \"a\" | \"aa\" | x2\ny ::= \"a\" y | \"a\"\nx2 ::= \"a\" [a] x?");
    assertThat(Walks.accepts(same, BPE, "a".repeat(300) + "!", new Random(1))).isTrue();
  }

  @Test
  void badGrammarsSayWhatAndWhere() {
    String[][] bad = {
      {"a ::= \"x\"", "grammar: there is no rule named root"}, {"root ::= a", "grammar: there is no rule named a"}, {"root ::= \"x", "grammar, line 1: '\"' expected before the end"},
      {"root ::= \"x\"\n\nroot ::= \"y\"", "grammar, line 3: the rule root is there twice"}, {"root ::= (\"x\"", "line 1: '(' without ')'"}, {"root ::= root \"x\" | \"y\"", "the rule root begins with itself (left recursion)"},
      {"root ::= a\na ::= b? c\nb ::= \"x\"\nc ::= a | \"z\"", "the rule a begins with itself"}, {"root ::= \"x\" root", "no answer could ever be finished"}, {"root ::= \"\\q\"", "the escape \\q is not supported"}, {"root = 3", "::= expected after root"},
      {"root ::= [z-a]", "a range whose first character"}, {"root ::= \"a\"{3,2}", "{n}, {n,} or {n,m} expected"}, {"root ::= ((\"a\"{1000}){1000}){1000}", "repeated too often"}, {"root ::= %", "a rule's name expected, not %"}
    };
    for (String[] each : bad) {
      assertThatThrownBy(() -> FORMS.gbnf(each[0])).as(each[0]).isInstanceOf(ConstraintException.class).hasMessageContaining(each[1]);
    }
  }
}
