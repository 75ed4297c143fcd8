package dev.graft.eval.synthetic.reasoning;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.graft.eval.synthetic.prose.Grammar;
import dev.graft.eval.synthetic.reasoning.Finding.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The conditions, their findings and treatments, from the YAML files beside this class's resources. Immutable. */
final class KnowledgeTable {
  private static final List<String> FINDINGS =
      List.of("common", "cardiopulmonary", "digestive", "neurologic", "endocrine_blood_joint", "urinary_reproductive_infectious_toxic");
  private static final List<String> SYSTEMS =
      List.of("cardiopulmonary", "digestive", "neurologic", "endocrine", "blood_joint", "urinary_reproductive", "infectious_toxic");
  private static final Map<Kind, String> SECTION =
      new EnumMap<>(Map.of(Kind.SYMPTOM, "symptoms", Kind.SIGN, "signs", Kind.LAB, "labs", Kind.TEST, "tests", Kind.RISK, "risks"));

  private final Map<String, Finding> findings = new LinkedHashMap<>();
  private final Map<String, String> denials = new LinkedHashMap<>();
  private final Map<String, List<String>> treatments = new LinkedHashMap<>();
  private final List<Set<String>> classes = new ArrayList<>();
  private final Map<String, Condition> conditions = new LinkedHashMap<>();

  private KnowledgeTable() {}

  /**
   * Reads the table that is part of the program.
   *
   * @throws IllegalStateException naming the entry, if something is said twice
   */
  static KnowledgeTable load() {
    KnowledgeTable table = new KnowledgeTable();
    for (String file : FINDINGS) {
      table.readFindings(yaml("findings/" + file + ".yaml"));
    }
    for (String system : SYSTEMS) {
      for (JsonNode node : yaml("conditions/" + system + ".yaml").path("conditions")) {
        Condition condition = condition(system, node);
        once(table.conditions.put(condition.id(), condition), condition.id());
      }
    }
    return table;
  }

  static JsonNode yaml(String resource) {
    try (InputStream in = KnowledgeTable.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("no resource " + resource);
      }
      return new YAMLMapper().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(resource, e);
    }
  }

  private void readFindings(JsonNode file) {
    for (Kind kind : Kind.values()) {
      file.path(SECTION.get(kind)).properties().forEach(entry ->
          once(findings.put(entry.getKey(), new Finding(entry.getKey(), kind, text(entry.getKey(), entry.getValue()))), entry.getKey()));
    }
    file.path("denials").properties().forEach(entry -> once(denials.put(entry.getKey(), text(entry.getKey(), entry.getValue())), entry.getKey()));
    file.path("treatments").properties().forEach(entry ->
        once(treatments.put(entry.getKey(), Grammar.alternatives(text(entry.getKey(), entry.getValue()))), entry.getKey()));
    file.path("classes").forEach(line -> classes.add(new LinkedHashSet<>(words(line))));
  }

  private static Condition condition(String system, JsonNode node) {
    Map<Kind, List<String>> findings = new EnumMap<>(Kind.class);
    for (Kind kind : Kind.values()) {
      findings.put(kind, words(node.path(SECTION.get(kind))));
    }
    String aliases = node.path("aliases").asText();
    return new Condition(
        node.path("id").asText(), system, node.path("name").asText(),
        aliases.isEmpty() ? List.of() : Grammar.alternatives(aliases),
        node.path("sex").asText(), AgeRange.parse(node.path("age").asText()), node.path("onset").asText(),
        words(node.path("vitals")), findings, words(node.path("absent")), words(node.path("key")), words(node.path("required")),
        node.path("treatment").asText(), words(node.path("adjunct")), words(node.path("lookalikes")));
  }

  static List<String> words(JsonNode node) {
    String text = node.asText().strip();
    return text.isEmpty() ? List.of() : List.of(text.split("\\s+"));
  }

  /** A line that YAML took for something else, for it starts with a brace, has to be quoted. */
  private static String text(String key, JsonNode node) {
    if (!node.isTextual()) {
      throw new IllegalStateException("not a text in the table: " + key);
    }
    return node.asText();
  }

  private static void once(Object before, String what) {
    if (before != null) {
      throw new IllegalStateException("twice in the table: " + what);
    }
  }

  /** In the table's order. */
  List<Condition> conditions() {
    return List.copyOf(conditions.values());
  }

  /** Null if there is none. */
  Condition condition(String id) {
    return conditions.get(id);
  }

  /** Null if there is none. */
  Finding finding(String id) {
    return findings.get(id);
  }

  /** How a finding is denied, a grammar line, or null. */
  String denial(String id) {
    return denials.get(id);
  }

  /** Names of a treatment, the answer first, or null. */
  List<String> treatment(String id) {
    return treatments.get(id);
  }

  /** All ids of findings. */
  Set<String> findingIds() {
    return findings.keySet();
  }

  /** Ids of the treatments that are right for a condition, or too near to right ones to be called wrong. */
  Set<String> acceptableTreatments(Condition condition) {
    Set<String> named = new LinkedHashSet<>(List.of(condition.treatment()));
    named.addAll(condition.adjunct());
    Set<String> ids = new LinkedHashSet<>(named);
    for (Set<String> one : classes) {
      if (one.stream().anyMatch(named::contains)) {
        ids.addAll(one);
      }
    }
    return ids;
  }

  /** The conditions that have all of these findings. */
  List<Condition> matching(Set<String> ids) {
    return conditions.values().stream().filter(condition -> condition.explains(ids)).toList();
  }
}
