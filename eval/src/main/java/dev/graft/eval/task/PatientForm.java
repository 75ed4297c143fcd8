package dev.graft.eval.task;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The form of augmented-clinical-notes ("visit motivation", "patient information", "symptoms", ...) that GPT-4 filled in from a note, said in
 * sentences, one for each part that tells something. What the form leaves open ("None", "Not specified") is left out.
 */
final class PatientForm {
  /** Most things named of one part, and most words of one thing: it is a summary. */
  private static final int MAX_ITEMS = 4;
  private static final int MAX_WORDS = 24;
  private static final int MAX_FACT_WORDS = 5;
  /** Shorter ones stand within other words: man in woman, male in female. */
  private static final int MIN_FACT_LENGTH = 5;
  private static final int MAX_FACTS = 14;
  private static final Set<String> SILENT = Set.of("", "none", "null", "n/a", "na", "not specified", "not mentioned", "unknown", "not available", "not provided", "unspecified");

  /**
   * A part of the form.
   *
   * @param key in the form  @param says before what it holds  @param main fields that name a thing, the first that is there  @param more fields told with it
   * @param weight of a fact of it in a grade
   */
  private record Part(String key, String says, List<String> main, List<String> more, int weight) {}

  private static final List<Part> PARTS = List.of(
      new Part("visit motivation", "Reason for the visit", List.of(), List.of(), 2),
      new Part("patient information", "Patient", List.of(), List.of("age", "sex", "ethnicity", "occupation"), 1),
      new Part("patient medical history", "History", List.of(), List.of("physiological context", "psychological context", "allergies", "smoking status", "alcohol consumption", "drug usage"), 1),
      new Part("symptoms", "Symptoms", List.of("name of symptom"), List.of("location", "time"), 2),
      new Part("medical examinations", "Examination", List.of("name"), List.of("result"), 1),
      new Part("diagnosis tests", "Tests", List.of("test"), List.of("result", "condition"), 2),
      new Part("surgeries", "Surgery", List.of("Type", "type", "reason"), List.of("outcome"), 2),
      new Part("treatments", "Treatment", List.of("name"), List.of("dosage", "related condition"), 2),
      new Part("discharge", "Outcome", List.of(), List.of("discharge summary", "reason", "follow up", "referral"), 1));

  /** A sentence, and the values in it that could be facts. */
  record Sentence(String part, String text, int weight, List<String> values) {}

  private PatientForm() {}

  /** The sentences of a form; empty when it tells nothing. */
  static List<Sentence> sentences(JsonNode form) {
    List<Sentence> sentences = new ArrayList<>();
    for (Part part : PARTS) {
      JsonNode held = form.path(part.key());
      List<String> values = new ArrayList<>();
      Set<String> things = new LinkedHashSet<>();
      if (held.isArray()) {
        held.forEach(item -> things.add(thing(part, item, values)));
      } else if (held.isObject() && part.main().isEmpty()) {
        part.more().forEach(field -> things.add(value(held, field, values)));
      } else if (held.isObject()) {
        things.add(thing(part, held, values));
      } else {
        things.add(value(form, part.key(), values));
      }
      things.remove("");
      List<String> told = things.stream().limit(MAX_ITEMS).toList();
      if (!told.isEmpty()) {
        String text = part.says() + ": " + String.join("; ", told);
        sentences.add(new Sentence(part.key(), text.endsWith(".") ? text : text + ".", part.weight(), values));
      }
    }
    return sentences;
  }

  private static String thing(Part part, JsonNode item, List<String> values) {
    if (!item.isObject()) {
      return clean(item, values);
    }
    String name = part.main().stream().map(field -> value(item, field, values)).filter(text -> !text.isEmpty()).findFirst().orElse("");
    List<String> more = part.more().stream().map(field -> value(item, field, values)).filter(text -> !text.isEmpty()).toList();
    return name.isEmpty() ? String.join(", ", more) : more.isEmpty() ? name : name + " (" + String.join(", ", more) + ")";
  }

  private static String value(JsonNode object, String field, List<String> values) {
    return clean(object.path(field), values);
  }

  /** A value without line ends and its last full stop, cut after so many words; empty when it says nothing. */
  private static String clean(JsonNode value, List<String> values) {
    if (!value.isValueNode() || value.isNull()) {
      return "";
    }
    String text = value.asText().replaceAll("\\s+", " ").strip().replaceFirst("[.;]+$", "");
    if (SILENT.contains(text.toLowerCase(Locale.ROOT))) {
      return "";
    }
    String[] words = text.split(" ");
    if (words.length > MAX_WORDS) {
      return String.join(" ", List.of(words).subList(0, MAX_WORDS)).replaceFirst("[,;:]+$", "");
    }
    values.add(text);
    return text;
  }

  /** Facts to grade by, as the checklist grader reads them: short values that both the note and the summary have word for word. */
  static List<Map<String, Object>> facts(String note, String summary, List<Sentence> sentences) {
    String there = note.toLowerCase(Locale.ROOT);
    String said = summary.toLowerCase(Locale.ROOT);
    Map<String, Map<String, Object>> facts = new LinkedHashMap<>();
    for (Sentence sentence : sentences) {
      for (String value : sentence.values()) {
        String text = value.toLowerCase(Locale.ROOT);
        boolean known = facts.keySet().stream().anyMatch(other -> other.contains(text) || text.contains(other));
        if (text.length() >= MIN_FACT_LENGTH && text.split(" ").length <= MAX_FACT_WORDS && there.contains(text) && said.contains(text) && !known && facts.size() < MAX_FACTS) {
          Map<String, Object> fact = new LinkedHashMap<>();
          fact.put("fact", sentence.part() + ": " + value);
          fact.put("any_of", List.of(text));
          fact.put("must_not", List.of());
          fact.put("weight", sentence.weight());
          facts.put(text, fact);
        }
      }
    }
    return List.copyOf(facts.values());
  }
}
