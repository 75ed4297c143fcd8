package dev.graft.eval.grade;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.data.DataException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The facts that an answer has to state. A fact counts when one of its strings stands in the answer, in any case of letters and from a
 * word's beginning, and none of those that contradict it does. The share is the weight of such facts over that of all; the grade is 5 for all
 * of it, else 1 + 4·share, rounded, halves up, at most 4: 4 from 5/8 on, 3 from 3/8, 2 from 1/8. An answer with more words than the row's limit, or fewer than its
 * least, loses a point, with more than twice the limit two (the whole note copied states all facts), down to 1.
 */
final class FactChecklist {
  private final List<Fact> facts;
  private final int minWords;
  private final int maxWords;

  private FactChecklist(List<Fact> facts, int minWords, int maxWords) {
    this.facts = facts;
    this.minWords = minWords;
    this.maxWords = maxWords;
  }

  /**
   * One fact.
   *
   * @param fact as a person reads it  @param anyOf strings that state it, lower case  @param mustNot strings that contradict it
   * @param weight above 0
   */
  record Fact(String fact, List<String> anyOf, List<String> mustNot, double weight) {}

  /**
   * What an answer comes to.
   *
   * @param share of the weight, 0 to 1  @param grade 1 to 5  @param words of the answer
   * @param missing facts not stated  @param contradicted facts of which the answer says otherwise
   */
  record Result(double share, int grade, int words, List<String> missing, List<String> contradicted) {}

  /** The checklist of a row: its {@code facts}, and {@code min_words} and {@code max_words} where it has them. @throws DataException when there is none, or it is malformed */
  static FactChecklist of(Path file, int line, JsonNode row) {
    JsonNode list = row == null ? null : row.get("facts");
    if (list == null || !list.isArray() || list.isEmpty()) {
      throw new DataException(file, line, "has no facts to grade by; the checklist grader needs {\"facts\": [{\"fact\", \"any_of\", \"must_not\", \"weight\"}, ...]}, as graft data make summary writes them");
    }
    List<Fact> facts = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      JsonNode fact = list.get(i);
      String where = "facts[" + i + "]";
      List<String> any = strings(file, line, where + ".any_of", fact.path("any_of"));
      if (any.isEmpty()) {
        throw new DataException(file, line, where + " has no any_of; list the strings that state the fact");
      }
      double weight = fact.has("weight") ? fact.get("weight").asDouble(-1) : 1;
      if (!(weight > 0) || Double.isInfinite(weight)) {
        throw new DataException(file, line, where + ".weight is " + fact.get("weight") + "; it must be a number above 0");
      }
      facts.add(new Fact(fact.path("fact").asText(any.get(0)), any, strings(file, line, where + ".must_not", fact.path("must_not")), weight));
    }
    return new FactChecklist(facts, row.path("min_words").asInt(0), row.path("max_words").asInt(0));
  }

  private static List<String> strings(Path file, int line, String where, JsonNode list) {
    List<String> strings = new ArrayList<>();
    if (!list.isArray() && !list.isMissingNode() && !list.isNull()) {
      throw new DataException(file, line, where + " must be a list of strings");
    }
    for (JsonNode text : list) {
      if (!text.isTextual() || text.textValue().isBlank()) {
        throw new DataException(file, line, where + " holds " + text + "; it must be a list of strings");
      }
      strings.add(text.textValue().toLowerCase(Locale.ROOT));
    }
    return strings;
  }

  Result grade(String answer) {
    String lower = answer.toLowerCase(Locale.ROOT).replaceAll("\\s+", " ");
    double all = 0;
    double stated = 0;
    List<String> missing = new ArrayList<>();
    List<String> contradicted = new ArrayList<>();
    for (Fact fact : facts) {
      all += fact.weight();
      if (fact.mustNot().stream().anyMatch(text -> stands(lower, text))) {
        contradicted.add(fact.fact());
      } else if (fact.anyOf().stream().anyMatch(text -> stands(lower, text))) {
        stated += fact.weight();
      } else {
        missing.add(fact.fact());
      }
    }
    int words = lower.isBlank() ? 0 : lower.strip().split(" ").length;
    double share = stated / all;
    int grade = missing.isEmpty() && contradicted.isEmpty() ? 5 : Math.min(4, (int) Math.floor(1 + 4 * share + 0.5));
    if (maxWords > 0 && words > 2 * maxWords) {
      grade -= 2;
    } else if (maxWords > 0 && words > maxWords || words < minWords) {
      grade -= 1;
    }
    return new Result(share, Math.max(1, grade), words, missing, contradicted);
  }

  /** Whether a string stands in a text from a word's or number's beginning on; a number must end there too, a word may go on ("rehab" in "rehabilitation"). */
  private static boolean stands(String text, String words) {
    for (int at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
      int end = at + words.length();
      boolean begins = at == 0 || !Character.isLetterOrDigit(words.charAt(0)) || !Character.isLetterOrDigit(text.charAt(at - 1)) && !decimal(text, at - 1);
      boolean ends = end == text.length() || !Character.isDigit(words.charAt(words.length() - 1)) || !Character.isDigit(text.charAt(end)) && !decimal(text, end);
      if (begins && ends) {
        return true;
      }
    }
    return false;
  }

  private static boolean decimal(String text, int at) {
    return (text.charAt(at) == '.' || text.charAt(at) == ',') && at > 0 && at + 1 < text.length() && Character.isDigit(text.charAt(at - 1)) && Character.isDigit(text.charAt(at + 1));
  }
}
