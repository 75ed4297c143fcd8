package dev.graft.eval.grade;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The form in which wordings of the same thing are equal. What does not count: case, punctuation, white space, Unicode forms and accents,
 * articles, a possessive 's, British spellings of Greek roots, a plural s. What does: words, their order, numbers with their decimal point,
 * and signs that mean something (+, -, %, &lt;, &gt; become words). A lone "a" is an article only where a name cannot end: "hepatitis A" keeps its A.
 */
final class Wording {
  private static final Pattern MARKS = Pattern.compile("\\p{M}+");
  private static final Pattern POSSESSIVE = Pattern.compile("(?<=\\p{L})['\u2019\u02BC`]s\\b");
  private static final Pattern APOSTROPHE = Pattern.compile("(?<=\\p{L})['\u2019\u02BC`](?=\\p{L})");
  private static final Pattern THOUSANDS = Pattern.compile("(?<=\\d),(?=\\d{3}(?!\\d))");
  private static final Pattern POINT = Pattern.compile("(?<=\\d)\\.(?=\\d)|(?<![\\p{L}\\p{N}])\\.(?=\\d)");
  private static final Pattern PLUS_SIGN = Pattern.compile("(?<=[\\p{L}\\p{N})])\\+(?=[\\s,.;:)]|$)");
  private static final Pattern MINUS_SIGN = Pattern.compile("(?<=[\\p{L}\\p{N})])[-\u2212\u2013](?=[\\s,.;:)]|$)");
  private static final Pattern NEGATIVE = Pattern.compile("(?<![\\p{L}\\p{N}])[-\u2212](?=\\d)");
  private static final Pattern OTHER = Pattern.compile("[^\\p{L}\\p{N}\\x00]+");
  private static final Map<String, String> SIGNS = Map.ofEntries(Map.entry("&", " and "), Map.entry("+", " and "), Map.entry("%", " percent "), Map.entry("\u2264", " at most "),
      Map.entry("\u2265", " at least "), Map.entry("<", " below "), Map.entry(">", " above "), Map.entry("\u00b0", " degrees "), Map.entry("\u03b1", "alpha"),
      Map.entry("\u03b2", "beta"), Map.entry("\u03b3", "gamma"), Map.entry("\u03b4", "delta"));
  private static final List<Map.Entry<Pattern, String>> SPELLINGS = List.of(Map.entry(Pattern.compile("aemi"), "emi"), Map.entry(Pattern.compile("\\bhaem"), "hem"),
      Map.entry(Pattern.compile("haem"), "hem"), Map.entry(Pattern.compile("oedema"), "edema"), Map.entry(Pattern.compile("\\boesoph"), "esoph"),
      Map.entry(Pattern.compile("rrhoea"), "rrhea"), Map.entry(Pattern.compile("\\bpaed"), "ped"), Map.entry(Pattern.compile("gynaec"), "gynec"),
      Map.entry(Pattern.compile("\\bfoet"), "fet"), Map.entry(Pattern.compile("tumour"), "tumor"), Map.entry(Pattern.compile("\\bcaec"), "cec"),
      Map.entry(Pattern.compile("\\boestr"), "estr"), Map.entry(Pattern.compile("anaesth"), "anesth"), Map.entry(Pattern.compile("orthopaed"), "orthoped"));
  /** After these an "a" is an article. */
  private static final Set<String> BEFORE_ARTICLE = Set.of("of", "with", "by", "to", "from", "in", "on", "for", "as", "is", "be", "has", "have", "and", "or", "due", "at", "give", "start", "perform",
      "administer", "order", "obtain", "using", "via", "likely", "followed");

  private Wording() {}

  /** The words of a text in this form, with single spaces between. */
  static String of(String text) {
    String form = Normalizer.normalize(text, Normalizer.Form.NFKD).toLowerCase(Locale.ROOT);
    form = MARKS.matcher(form).replaceAll("");
    form = POSSESSIVE.matcher(form).replaceAll("");
    form = APOSTROPHE.matcher(form).replaceAll("");
    form = THOUSANDS.matcher(form).replaceAll("");
    form = POINT.matcher(form).replaceAll("\0");
    form = PLUS_SIGN.matcher(form).replaceAll(" positive ");
    form = MINUS_SIGN.matcher(form).replaceAll(" negative ");
    form = NEGATIVE.matcher(form).replaceAll(" minus ");
    for (Map.Entry<String, String> sign : SIGNS.entrySet()) {
      form = form.replace(sign.getKey(), sign.getValue());
    }
    for (Map.Entry<Pattern, String> spelling : SPELLINGS) {
      form = spelling.getKey().matcher(form).replaceAll(spelling.getValue());
    }
    List<String> words = new ArrayList<>();
    String before = null;
    for (String word : OTHER.matcher(form).replaceAll(" ").strip().split(" ")) {
      boolean article = word.equals("the") || word.equals("an") || word.equals("a") && (before == null || BEFORE_ARTICLE.contains(before));
      if (!word.isEmpty() && !article) {
        words.add(singular(word).replace('\0', '.'));
      }
      before = word;
    }
    return String.join(" ", words);
  }

  /** Without a plural's ending, where the word is long enough and does not end as singular words do (-ss, -us, -is, -as, -os). */
  private static String singular(String word) {
    int n = word.length();
    if (n < 4 || !word.endsWith("s") || word.endsWith("ss") || word.endsWith("us") || word.endsWith("is") || word.endsWith("as") || word.endsWith("os")) {
      return word;
    } else if (n > 4 && word.endsWith("ies")) {
      return word.substring(0, n - 3) + "y";
    } else if (word.endsWith("sses") || word.endsWith("shes") || word.endsWith("ches") || word.endsWith("xes")) {
      return word.substring(0, n - 2);
    }
    return word.substring(0, n - 1);
  }

  /** Whether words (in this form) stand in a text (in this form) as whole words. */
  static boolean contains(String text, String words) {
    return !words.isEmpty() && (" " + text + " ").contains(" " + words + " ");
  }
}
