package dev.graft.eval.grade;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether an open answer says the same as the right one. It does when one of its readings equals, in {@link Wording}'s form, the right answer
 * or an alias. Readings are: the whole answer; its first line or sentence, where nothing after it takes that back; each without words that
 * lead to an answer ("the most likely diagnosis is"), without a reason behind ("because", "given", a relative clause), and without what
 * stands in parentheses. Nothing else is cut away, so that a negation ("not X", "X is unlikely") and a list ("X or Y") stay and are wrong.
 *
 * <p>Where the row has options, their letter is an answer too ("C", "C) text", "the answer is C"), if the text behind agrees and no other
 * option is named. Immutable.
 */
public final class Equivalence {
  private static final Pattern LEAD = Pattern.compile("^(?:(?:so|thus|therefore|hence|overall|in conclusion|based on (?:this|these findings|the findings)),?\\s+)?"
      + "(?:(?:the|my|this|her|his|their)\\s+)?(?:(?:single|most|next|best|likely|probable|appropriate|correct|right|final|initial|first|working|underlying|suspected|clinical)[\\s-]+){0,8}"
      + "(?:answer|diagnosis|treatment|choice|option|step|step in management|management|cause|therapy|condition|intervention|drug|medication|test|explanation)"
      + "(?:\\s+(?:for|in|of)\\s+(?:this|the)\\s+(?:patient|case|man|woman|question))?\\s*(?::|\\bis\\s*:?|\\bwould be\\b|\\bshould be\\b)\\s*", Pattern.CASE_INSENSITIVE);
  private static final Pattern SUBJECT = Pattern.compile("^(?:i (?:think|believe|would say|suspect)\\s+(?:that\\s+)?)?(?:(?:the|this) (?:patient|man|woman|child|infant|boy|girl|case|presentation|picture)|it|this|she|he|that)\\s+"
      + "(?:(?:most likely|likely|probably|very likely)\\s+)?(?:has|is|is having|suggests|indicates|represents|is consistent with|is suffering from|should receive|should be given|should undergo|needs)\\s+",
      Pattern.CASE_INSENSITIVE);
  private static final Pattern THINK = Pattern.compile("^(?:i (?:think|believe|would say|suspect|would (?:give|start|choose|pick|order|recommend)|choose|pick)|answer|diagnosis|treatment)\\b[\\s:-]*", Pattern.CASE_INSENSITIVE);
  private static final Pattern HEDGE = Pattern.compile("^(?:most likely|likely|probable|probably|suspected)\\b:?\\s+(?!to\\b|not\\b)", Pattern.CASE_INSENSITIVE);
  private static final Pattern REASON = Pattern.compile("\\s*(?:[,;\u2014]|\\s-|\\s\u2013)\\s*(?:because|given|since|as (?:the|this|she|he|it|evidenced|indicated)|which|based on|due to|suggested by|considering)\\b.*$"
      + "|\\s+(?:because|given (?:the|this|her|his|that)|based on|as evidenced by|as indicated by|in this patient|for this patient)\\b.*$", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
  private static final Pattern PARENTHESES = Pattern.compile("\\s*[(\\[]([^()\\[\\]]*)[)\\]]");
  private static final Pattern DOUBT = Pattern.compile("\\b(?:not|no|never|unlikely|rather than|instead of|ruled out|excluded|or|vs|versus|and|possibly|maybe|wait|actually|however|correction)\\b", Pattern.CASE_INSENSITIVE);
  private static final Pattern TAKEN_BACK = Pattern.compile("\\b(?:wait|actually|correction|on second thought|scratch that|i was wrong)\\b", Pattern.CASE_INSENSITIVE);
  private static final Pattern SENTENCE = Pattern.compile("(?<=[.!?])\\s+(?=\\p{Lu}|$)|\\R+");
  private static final Pattern LETTER = Pattern.compile("^(?:(?:option|choice|answer|letter)\\s+)?[(\\[]?([A-Za-z])(?:[)\\].:,]+|\\s+[-\u2013\u2014]|\\s*=|(?=\\s*$))\\s*(.*)$", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
  private static final Pattern MARKUP = Pattern.compile("[*_`#\"\u201c\u201d]+|\\\\boxed\\{|\\}");
  private static final Pattern EXPLANATION = Pattern.compile("^\\W*(?:explanation|rationale|reason|reasoning|because|note)\\b", Pattern.CASE_INSENSITIVE);
  private static final int LONGEST = 10_000;

  private final String gold;
  private final Set<String> right = new LinkedHashSet<>();
  private final Map<String, String> options;
  private final Map<String, String> optionForms = new LinkedHashMap<>();

  /**
   * @param gold the right answer, or the letter of an option  @param aliases other right wordings
   * @param options text of each option by its letter (upper case) where answers may name letters; else empty
   */
  public Equivalence(String gold, List<String> aliases, Map<String, String> options) {
    this.options = options;
    String letter = gold.strip().toUpperCase(Locale.ROOT);
    this.gold = options.getOrDefault(letter, gold);
    List<String> texts = new ArrayList<>(List.of(this.gold));
    texts.addAll(aliases);
    for (String text : texts) {
      right.add(Wording.of(text));
      withoutAbbreviation(text).ifPresent(shorter -> right.add(Wording.of(shorter)));
    }
    right.remove("");
    options.forEach((name, text) -> optionForms.put(name, Wording.of(text)));
  }

  /** "Tylenol" of "Acetaminophen (Tylenol)" may be left out; a word or several in parentheses that narrow the meaning may not. */
  private static Optional<String> withoutAbbreviation(String text) {
    Matcher matcher = PARENTHESES.matcher(text);
    if (!matcher.find() || !matcher.group(1).matches("[\\p{L}\\p{N}-]{2,}")) {
      return Optional.empty();
    }
    String rest = text.substring(0, matcher.start()) + text.substring(matcher.end());
    return rest.isBlank() ? Optional.empty() : Optional.of(rest);
  }

  /**
   * What an answer was read as: the right answer in its own spelling, the text of another option, or empty when it is neither.
   *
   * @param answer as the model wrote it; only its first 10,000 characters are read
   */
  public Optional<String> read(String answer) {
    String text = MARKUP.matcher(answer.length() > LONGEST ? answer.substring(0, LONGEST) : answer).replaceAll("").strip();
    List<String> readings = readings(text);
    if (!options.isEmpty()) {
      for (String reading : readings) {
        Matcher letter = LETTER.matcher(reading);
        if (letter.matches() && options.containsKey(letter.group(1).toUpperCase(Locale.ROOT))) {
          return ofLetter(letter.group(1).toUpperCase(Locale.ROOT), letter.group(2), text);
        }
      }
    }
    for (String reading : readings) {
      if (right.contains(Wording.of(reading))) {
        return Optional.of(gold);
      }
    }
    for (String reading : readings) {
      String form = Wording.of(reading);
      for (Map.Entry<String, String> option : optionForms.entrySet()) {
        if (option.getValue().equals(form)) {
          return Optional.of(options.get(option.getKey()));
        }
      }
    }
    return Optional.empty();
  }

  /** Whether an answer is right. */
  public boolean right(String answer) {
    return read(answer).filter(gold::equals).isPresent();
  }

  /** A letter counts if what stands behind it is nothing, the option's own text, or an explanation that names no other option. */
  private Optional<String> ofLetter(String letter, String behind, String whole) {
    String form = Wording.of(whole);
    String own = optionForms.get(letter);
    String said = Wording.of(behind);
    Matcher others = Pattern.compile("(?:\\b(?:and|or|option|choice)\\s+|[,/&]\\s*|^\\s*)[(\\[]?([A-Z])(?=[)\\].:,;\\s]|$)").matcher(behind);
    while (others.find()) {
      if (!others.group(1).equals(letter) && options.containsKey(others.group(1))) {
        return Optional.empty();
      }
    }
    for (Map.Entry<String, String> option : optionForms.entrySet()) {
      boolean within = Wording.contains(own, option.getValue());
      if (!option.getKey().equals(letter) && !within && Wording.contains(form, option.getValue())) {
        return Optional.empty();
      }
    }
    if (!said.isEmpty() && !Wording.contains(said, own) && !PARENTHESES.matcher(behind).find() && !SENTENCE.matcher(whole).find() && said.split(" ").length <= own.split(" ").length + 2) {
      return Optional.empty(); // a short text that is not the option's: which of the two is meant cannot be told
    }
    return TAKEN_BACK.matcher(whole).find() ? Optional.empty() : Optional.of(options.get(letter));
  }

  private List<String> readings(String text) {
    Set<String> readings = new LinkedHashSet<>();
    add(readings, text);
    String[] sentences = SENTENCE.split(text, 2);
    if (sentences.length == 2 && !takenBack(sentences[0], sentences[1])) {
      add(readings, sentences[0]);
    }
    return List.copyOf(readings);
  }

  /** Whether what follows the first sentence says otherwise: it turns round, denies what was said, or names another option. */
  private boolean takenBack(String first, String rest) {
    if (TAKEN_BACK.matcher(rest).find() || listed(first, rest)) {
      return true;
    }
    String form = Wording.of(rest);
    for (String words : right) {
      if (form.matches("(?s).*\\b(?:not|no|never|unlikely|excluded|against|without)\\b(?: \\S+){0,3} " + Pattern.quote(words) + "\\b.*")
          || form.matches("(?s).*\\b" + Pattern.quote(words) + " (?:\\S+ ){0,2}(?:not|unlikely|excluded|ruled out)\\b.*")) {
        return true;
      }
    }
    String said = Wording.of(first);
    for (String option : optionForms.values()) {
      if (!right.contains(option) && !Wording.contains(said, option) && Wording.contains(form, option)) {
        return true;
      }
    }
    return form.matches("(?:or|and|also|alternatively)\\b.*");
  }

  /** Whether the text goes on with a second answer: a short line that ends as no sentence does, or another option's letter. */
  private boolean listed(String first, String rest) {
    String next = rest.strip().lines().findFirst().orElse("").strip();
    Matcher letter = LETTER.matcher(next);
    boolean option = letter.matches() && options.containsKey(letter.group(1).toUpperCase(Locale.ROOT));
    boolean phrase = !first.matches("(?s).*[.!?]") && !next.matches(".*[.!?:]") && !EXPLANATION.matcher(next).find() && next.split("\\s+").length <= 6;
    return option || phrase;
  }

  private static void add(Set<String> readings, String text) {
    readings.add(text);
    String bare = text;
    for (int i = 0; i < 4; i++) { // "I think the answer is most likely X"
      String before = bare;
      for (Pattern lead : List.of(LEAD, SUBJECT, THINK, HEDGE)) {
        bare = lead.matcher(bare).replaceFirst("").strip();
      }
      if (bare.equals(before)) {
        break;
      }
      readings.add(bare);
    }
    String shorter = REASON.matcher(bare).replaceFirst("").strip();
    readings.add(shorter);
    Matcher parentheses = PARENTHESES.matcher(shorter);
    boolean plain = true;
    while (parentheses.find()) {
      plain &= !DOUBT.matcher(parentheses.group(1)).find();
    }
    if (plain) {
      readings.add(PARENTHESES.matcher(shorter).replaceAll("").strip());
    }
    readings.remove("");
  }
}
