package dev.graft.eval.synthetic.summary;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.graft.eval.synthetic.prose.Grammar;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** All that notes are made from, out of the YAML files among the resources. Immutable. */
final class Library {
  /** What happens besides, or "none". {@code any}: what a grader accepts. */
  record Complication(String id, Map<String, List<String>> vars, String note, String says, String any) {}

  /** Where the patient goes. */
  record Disposition(String id, String says, String any, String note) {}

  /** Another illness with its drug. */
  record Comorbidity(String name, String drug, int min, int max, String sex) {}

  /** An allergy, and words that must not occur in a note of one who has it. */
  record Allergy(String says, List<String> conflicts) {}

  /** A fact of daily life. */
  record Social(String says, int min, int max) {}

  private static final List<String> FILES = List.of("medical", "medical2", "surgical");
  private static final List<String> SECTIONS = List.of("hpi", "exam", "results", "events");
  private static final List<String> PHRASES =
      List.of("core", "core_any", "dx", "dx_any", "tx", "tx_any", "result", "result_any", "also", "also_any", "med", "med_any", "note_med", "note_stop", "fu", "fu_any",
          "note_fu");

  final List<Scenario> scenarios = new ArrayList<>();
  final Map<String, Complication> complications = new LinkedHashMap<>();
  final Map<String, Disposition> dispositions = new LinkedHashMap<>();
  final List<Comorbidity> comorbidities = new ArrayList<>();
  final List<Allergy> allergies = new ArrayList<>();
  final List<Social> social = new ArrayList<>();
  final List<String> surnames;
  final List<String> stable;
  final List<String> instructions;

  Library() {
    for (String file : FILES) {
      yaml(file).path("scenarios").forEach(node -> scenarios.add(scenario(node)));
    }
    JsonNode shared = yaml("shared");
    shared.path("complications").properties().forEach(entry -> {
      JsonNode node = entry.getValue();
      complications.put(entry.getKey(),
          new Complication(entry.getKey(), vars(node), node.path("note").asText(), node.path("says").asText(), node.path("any").asText()));
    });
    shared.path("dispositions").properties().forEach(entry -> {
      JsonNode node = entry.getValue();
      dispositions.put(entry.getKey(),
          new Disposition(entry.getKey(), node.path("says").asText(), node.path("any").asText(), node.path("note").asText()));
    });
    for (JsonNode node : shared.path("comorbidities")) {
      comorbidities.add(new Comorbidity(node.path("name").asText(), node.path("drug").asText(), node.path("min").asInt(),
          node.path("max").asInt(120), node.path("sex").asText("any")));
    }
    shared.path("allergies").forEach(node -> allergies.add(new Allergy(node.path("says").asText(), words(node.path("conflicts")))));
    shared.path("social").forEach(node -> social.add(new Social(node.path("says").asText(), node.path("min").asInt(), node.path("max").asInt())));
    surnames = words(shared.path("surnames"));
    stable = lines(shared.path("stable"));
    instructions = lines(shared.path("instructions"));
  }

  private static Scenario scenario(JsonNode node) {
    Map<String, List<String>> sections = new LinkedHashMap<>();
    SECTIONS.forEach(section -> sections.put(section, lines(node.path(section))));
    Map<String, String> phrases = new LinkedHashMap<>();
    for (String key : PHRASES) {
      if (node.has(key)) {
        phrases.put(key, node.path(key).asText());
      }
    }
    String[] age = node.path("age").asText().split("-");
    return new Scenario(node.path("id").asText(), node.path("sex").asText(), Integer.parseInt(age[0]), Integer.parseInt(age[1]), vars(node),
        words(node.path("opposite")), words(node.path("avoid")), sections, phrases, words(node.path("dispo")), words(node.path("complications")),
        words(node.path("swap")));
  }

  private static Map<String, List<String>> vars(JsonNode node) {
    Map<String, List<String>> vars = new LinkedHashMap<>();
    node.path("vars").properties().forEach(entry -> vars.put(entry.getKey(), Grammar.alternatives(entry.getValue().asText())));
    return vars;
  }

  private static List<String> lines(JsonNode list) {
    List<String> lines = new ArrayList<>();
    list.forEach(line -> {
      if (!line.isTextual()) {
        throw new IllegalStateException("not a text, quote it: " + line);
      }
      lines.add(line.asText());
    });
    return lines;
  }

  private static List<String> words(JsonNode node) {
    String text = node.asText().strip();
    return text.isEmpty() ? List.of() : List.of(text.split("\\s+"));
  }

  private static JsonNode yaml(String file) {
    try (InputStream in = Library.class.getResourceAsStream(file + ".yaml")) {
      if (in == null) {
        throw new IllegalStateException("no resource " + file);
      }
      return new YAMLMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(file, e);
    }
  }
}
