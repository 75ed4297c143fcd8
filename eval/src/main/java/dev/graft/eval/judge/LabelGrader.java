package dev.graft.eval.judge;

import dev.graft.trainer.run.RunException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads one of a few labels out of an answer. Case, white space and punctuation do not count; then the first of these that applies: the
 * answer is a label; it begins with one, as whole words (with several, the longest: "No UTI" before "No"); exactly one label stands in it
 * as whole words (words within a longer label are not counted again: "I see no UTI" names "No UTI" alone). Else it is not read (null).
 */
public final class LabelGrader implements Grader {
  /** Label by its plain text, the longest plain text first. */
  private final Map<String, String> labels = new LinkedHashMap<>();

  /**
   * @param labels as predictions name them
   * @throws RunException (usage) when there are fewer than two, or two that only differ in what does not count
   */
  public LabelGrader(List<String> labels) {
    this(labels, Map.of());
  }

  /** The same. @param spellings other texts that name a label, by label: "non-urgent" for "nonurgent" */
  public LabelGrader(List<String> labels, Map<String, List<String>> spellings) {
    Map<String, String> byText = new LinkedHashMap<>();
    for (String label : labels) {
      String text = PlainText.of(label);
      if (text.isEmpty()) {
        throw RunException.usage("--labels: '" + label + "' has no letter or digit; name labels by words");
      }
      String other = byText.putIfAbsent(text, label.strip());
      if (other != null) {
        throw RunException.usage("--labels: '" + other + "' and '" + label.strip() + "' are the same but for case, space and punctuation, which do not count");
      }
    }
    if (byText.size() < 2) {
      throw RunException.usage("--labels " + String.join(",", labels) + " must name two labels at least, with commas between them");
    }
    spellings.forEach((label, others) -> others.forEach(other -> byText.putIfAbsent(PlainText.of(other), label)));
    List<String> texts = new ArrayList<>(byText.keySet());
    texts.sort(Comparator.comparingInt(String::length).reversed());
    texts.forEach(text -> this.labels.put(text, byText.get(text)));
  }

  /** The label that an answer names, or null. */
  public String read(String answer) {
    String text = PlainText.of(answer);
    if (labels.containsKey(text)) {
      return labels.get(text);
    }
    for (Map.Entry<String, String> label : labels.entrySet()) {
      if (text.startsWith(label.getKey() + " ")) {
        return label.getValue();
      }
    }
    Set<String> found = new LinkedHashSet<>();
    StringBuilder left = new StringBuilder(text);
    for (Map.Entry<String, String> label : labels.entrySet()) {
      int length = label.getKey().length();
      for (int at = PlainText.find(left.toString(), label.getKey(), 0); at >= 0; at = PlainText.find(left.toString(), label.getKey(), at + length)) {
        found.add(label.getValue());
        left.replace(at, at + length, "|".repeat(length));
      }
    }
    return found.size() == 1 ? found.iterator().next() : null;
  }

  /** The label that equals a text, or null. */
  @Override
  public String gold(String text) {
    return labels.get(PlainText.of(text));
  }

  @Override
  public Verdict grade(TestRow row, String answer) {
    String label = read(answer);
    return new Verdict(label, row.gold().equals(label) ? 1 : 0);
  }
}
