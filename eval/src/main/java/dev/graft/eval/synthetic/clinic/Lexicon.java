package dev.graft.eval.synthetic.clinic;

import dev.graft.eval.synthetic.Grammar;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Symptoms, conditions, operations and scenarios, read from the resources beside this class. Immutable. */
public final class Lexicon {
  private static final Lexicon INSTANCE = new Lexicon();

  private final Map<String, Symptom> symptoms = new LinkedHashMap<>();
  private final List<Condition> conditions = new ArrayList<>();
  private final List<Operation> operations = new ArrayList<>();
  private final List<Scenario> scenarios = new ArrayList<>();

  private Lexicon() {
    readSymptoms();
    for (String[] f : table("histories.txt", 5)) {
      conditions.add(new Condition(f[0], f[1], Who.of(f[2], f[3]), list(f[4], ";")));
    }
    for (String[] f : table("surgeries.txt", 3)) {
      operations.add(new Operation(f[0], Who.of(f[1], f[2])));
    }
    for (String[] f : table("scenarios.txt", 5)) {
      scenarios.add(new Scenario(f[0], Who.of(f[1], f[2]), list(f[3], ",").stream().map(this::symptom).toList(), list(f[4], ";")));
    }
  }

  /** The one lexicon. */
  public static Lexicon get() {
    return INSTANCE;
  }

  /** All symptoms, in the order of the resource. */
  public List<Symptom> symptoms() {
    return List.copyOf(symptoms.values());
  }

  /** The symptom of that key. @throws IllegalArgumentException when there is none */
  public Symptom symptom(String key) {
    Symptom found = symptoms.get(key);
    if (found == null) {
      throw new IllegalArgumentException("the lexicon has no symptom '" + key + "'");
    }
    return found;
  }

  /** All long-standing illnesses. */
  public List<Condition> conditions() {
    return List.copyOf(conditions);
  }

  /** All operations. */
  public List<Operation> operations() {
    return List.copyOf(operations);
  }

  /** All scenarios. */
  public List<Scenario> scenarios() {
    return List.copyOf(scenarios);
  }

  private void readSymptoms() {
    String[] head = null;
    Map<String, String> fields = new LinkedHashMap<>();
    for (String line : Grammar.lines(Lexicon.class, "symptoms.txt")) {
      if (line.startsWith("[")) {
        add(head, fields);
        head = line.substring(1, line.length() - 1).split("(?= (?:any|F|M) )| (?=\\d+-\\d+$)");
        fields.clear();
      } else {
        int space = line.indexOf(' ');
        fields.put(line.substring(0, space), line.substring(space + 1));
      }
    }
    add(head, fields);
  }

  private void add(String[] head, Map<String, String> fields) {
    if (head != null) {
      Who who = head.length == 3 ? Who.of(head[1].strip(), head[2]) : Who.ANYONE;
      symptoms.put(head[0], new Symptom(head[0], fields.get("system"), who, list(fields.get("np"), ";"), list(fields.get("lay"), ";"), fields.get("means")));
    }
  }

  private static List<String[]> table(String name, int columns) {
    List<String[]> rows = new ArrayList<>();
    for (String line : Grammar.lines(Lexicon.class, name)) {
      String[] fields = Arrays.stream(line.split("\\|")).map(String::strip).toArray(String[]::new);
      if (fields.length != columns) {
        throw new IllegalStateException(name + ": " + fields.length + " columns instead of " + columns + ": " + line);
      }
      rows.add(fields);
    }
    return rows;
  }

  private static List<String> list(String text, String separator) {
    return Arrays.stream(text.split(separator)).map(String::strip).filter(s -> !s.isEmpty()).toList();
  }
}
