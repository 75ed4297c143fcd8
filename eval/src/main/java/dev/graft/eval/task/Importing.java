package dev.graft.eval.task;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How a user's file becomes rows.
 *
 * @param format what the file is
 * @param columns the file's column for each name that templates use; {@code id} and {@code split} may be among them, and need not be in the file
 * @param values for each name, what a value of the file stands for ("1": "UTI"), compared but for case, space and punctuation
 * @param sheet of an XLSX file, or null for its first
 * @param prompt what is asked  @param completion the right answer  @param rejected the wrong one
 * @param passage the text in which rows of different splits must not be nearly alike
 * @param fields names that are written with each row besides
 */
record Importing(Format format, Map<String, String> columns, Map<String, Map<String, String>> values, String sheet, Template prompt, Template completion, Rejected rejected,
    Template passage, List<String> fields) {
  /** Version of what is made of a file: goes up when the same file and seed give other bytes. */
  static final int VERSION = 1;

  /** The same with other columns for some names. */
  Importing with(Map<String, String> other) {
    Map<String, String> all = new LinkedHashMap<>(columns);
    all.putAll(other);
    return new Importing(format, all, values, sheet, prompt, completion, rejected, passage, fields);
  }

  /** Everything that rows follow from, as JSON. */
  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("format", format.id());
    json.put("version", VERSION);
    json.put("columns", columns);
    json.put("values", values);
    json.put("sheet", sheet);
    json.put("prompt", prompt.text());
    json.put("completion", completion.text());
    json.put("change", rejected.change());
    json.put("any_of", rejected.anyOf());
    json.put("rejected", rejected.template() == null ? null : rejected.template().text());
    json.put("passage", passage.text());
    json.put("fields", fields);
    return json;
  }

  /** A kind of file. */
  enum Format {
    /** CSV, TSV, XLSX or JSONL with a column for each name. */
    TABLE(List.of()),
    /** MedQA (USMLE) JSONL. */
    MEDQA(List.of("id", "question", "answer", "wrong", "aliases", "options", "step")),
    /** augmented-clinical-notes JSONL. */
    AUGMENTED_CLINICAL_NOTES(List.of("id", "note", "summary", "worse", "facts"));

    private final List<String> names;

    Format(List<String> names) {
      this.names = names;
    }

    /** Names that templates may use; empty where the columns say. */
    List<String> names() {
      return names;
    }

    /** As YAML has it. */
    String id() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * How the wrong answer comes about: exactly one of three.
   *
   * @param change the completion with another label in one or more of these names, by chance  @param anyOf one of what these names hold, by chance
   * @param template a text, or null
   */
  record Rejected(List<String> change, List<String> anyOf, Template template) {}
}
