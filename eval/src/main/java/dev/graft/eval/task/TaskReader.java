package dev.graft.eval.task;

import dev.graft.eval.synthetic.ShingleIndex;
import dev.graft.eval.synthetic.Split;
import dev.graft.eval.synthetic.SyntheticTasks;
import dev.graft.trainer.data.DataException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/** Makes a {@link Task} of YAML; whatever is wrong is said with its line. */
final class TaskReader {
  private static final List<String> TASK = List.of("name", "title", "study", "source", "splits", "import", "max-tokens", "outcomes");
  private static final List<String> IMPORT = List.of("format", "columns", "values", "sheet", "prompt", "completion", "rejected", "passage", "fields");
  private static final List<String> OUTCOME = List.of("name", "title", "grader", "labels", "spellings", "field", "aliases", "answer", "positive", "metric", "test", "rubric");
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]*");

  private final Path file;
  private final YamlNode root;

  private TaskReader(Path file, YamlNode root) {
    this.file = file;
    this.root = root;
  }

  /** @param file as messages name it; its folder is where a relative source lies  @throws DataException naming the line that is wrong */
  static Task read(Path file, String yaml) {
    return new TaskReader(file, YamlNode.read(file, yaml)).task();
  }

  private Task task() {
    root.only("a task", TASK);
    String name = name(root);
    List<Outcome> outcomes = outcomes();
    Optional<Importing> importing = root.has("import") ? Optional.of(importing(root.get("import"), outcomes)) : Optional.empty();
    Optional<String> generator = Optional.empty();
    Optional<Path> source = Optional.empty();
    if (root.has("source")) {
      YamlNode node = root.get("source");
      node.only("source", List.of("generator", "file"));
      if (node.has("generator") == node.has("file")) {
        throw node.wrong("'source' must have either a 'generator' or a 'file'");
      }
      generator = node.has("generator") ? Optional.of(oneOf(node, "generator", SyntheticTasks.names(), Function.identity())) : Optional.empty();
      source = node.has("file") ? Optional.of(file.resolveSibling(node.text("file"))) : Optional.empty();
    }
    if (generator.isEmpty() && importing.isEmpty()) {
      throw root.wrong("a task without a 'source: {generator: ...}' needs an 'import', which says how a file becomes rows");
    }
    return new Task(name, root.text("title", name), root.text("study", ""), file, generator, source, splits(), importing, root.count("max-tokens"), outcomes);
  }

  private static String name(YamlNode node) {
    String name = node.text("name");
    if (!NAME.matcher(name).matches()) {
      throw node.get("name").wrong("'name' must be letters, digits, - and _, not '" + name + "'");
    }
    return name;
  }

  private Map<Split, Integer> splits() {
    YamlNode node = root.get("splits");
    node.only("splits", Arrays.stream(Split.values()).map(Split::fileName).toList());
    Map<Split, Integer> splits = new EnumMap<>(Split.class);
    for (Split split : Split.values()) {
      splits.put(split, node.count(split.fileName()));
    }
    return splits;
  }

  private List<Outcome> outcomes() {
    List<Outcome> outcomes = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (YamlNode node : root.list("outcomes")) {
      Outcome outcome = outcome(node);
      if (!names.add(outcome.name())) {
        throw node.get("name").wrong("the outcome '" + outcome.name() + "' is there twice; give each its own name");
      }
      outcomes.add(outcome);
    }
    return List.copyOf(outcomes);
  }

  private static Outcome outcome(YamlNode node) {
    node.only("an outcome", OUTCOME);
    String name = name(node);
    Outcome.Kind kind = oneOf(node, "grader", List.of(Outcome.Kind.values()), Outcome.Kind::id);
    List<String> labels = node.texts("labels");
    boolean labelled = kind == Outcome.Kind.LABEL;
    if (labelled != node.has("labels")) {
      throw node.wrong(labelled ? "the grader 'label' needs 'labels', two at least" : "'labels' are for the grader 'label', not '" + kind.id() + "'");
    } else if (labelled && labels.stream().map(ShingleIndex::normalized).distinct().filter(text -> !text.isEmpty()).count() != Math.max(2, labels.size())) {
      throw node.get("labels").wrong("'labels' must be two or more texts that differ in letters or digits");
    }
    Map<String, List<String>> spellings = spellings(node, labels);
    String positive = node.text("positive", null);
    if (positive != null && !labels.contains(positive)) {
      throw node.get("positive").wrong("'positive' is '" + positive + "', which is none of the labels " + String.join(", ", labels));
    }
    Outcome.Metric metric = oneOf(node, "metric", List.of(Outcome.Metric.values()), Outcome.Metric::id);
    if (metric == Outcome.Metric.F1 && positive == null) {
      throw node.get("metric").wrong("'metric: f1' needs 'positive', the label that F1 is about");
    }
    Outcome.Test test = oneOf(node, "test", List.of(Outcome.Test.values()), Outcome.Test::id);
    if (test == Outcome.Test.MCNEMAR && (kind == Outcome.Kind.CHECKLIST || kind == Outcome.Kind.LIKERT)) {
      throw node.get("test").wrong("'test: mcnemar' is for right and wrong answers; '" + kind.id() + "' gives grades, so take paired-t");
    }
    return new Outcome(name, node.text("title", name), kind, labels, spellings, node.text("field", "completion"), node.text("aliases", null), part(node), positive, metric, test,
        node.text("rubric", null));
  }

  private static Map<String, List<String>> spellings(YamlNode node, List<String> labels) {
    Map<String, List<String>> spellings = new LinkedHashMap<>();
    if (node.has("spellings")) {
      Set<String> taken = labels.stream().map(ShingleIndex::normalized).collect(Collectors.toSet());
      YamlNode all = node.get("spellings");
      for (Map.Entry<String, YamlNode> entry : all.mapping("spellings").entrySet()) {
        if (!labels.contains(entry.getKey())) {
          throw entry.getValue().wrong("'spellings' are of labels, and '" + entry.getKey() + "' is none of " + String.join(", ", labels));
        }
        List<String> texts = all.texts(entry.getKey());
        for (String text : texts) {
          if (ShingleIndex.normalized(text).isEmpty() || !taken.add(ShingleIndex.normalized(text))) {
            throw entry.getValue().wrong("the spelling '" + text + "' of '" + entry.getKey() + "' is there already but for case, space and punctuation, or has no letter");
          }
        }
        spellings.put(entry.getKey(), texts);
      }
    }
    return spellings;
  }

  private static AnswerPart part(YamlNode node) {
    if (!node.has("answer")) {
      return AnswerPart.WHOLE;
    }
    YamlNode answer = node.get("answer");
    answer.only("answer", List.of("line", "regex", "else"));
    boolean orWhole = answer.has("else");
    if (orWhole && !answer.text("else").equals("whole")) {
      throw answer.get("else").wrong("'else' can only be 'whole': the whole answer is judged where there is no such part");
    }
    if (answer.has("line") == answer.has("regex")) {
      throw answer.wrong("'answer' must have either a 'line' (its beginning) or a 'regex' (with one group)");
    } else if (answer.has("line")) {
      return new AnswerPart(answer.text("line"), null, orWhole);
    }
    try {
      Pattern regex = Pattern.compile(answer.text("regex"));
      if (regex.matcher("").groupCount() != 1) {
        throw answer.get("regex").wrong("'regex' must have exactly one group (...), which holds the answer; it has " + regex.matcher("").groupCount());
      }
      return new AnswerPart(null, regex, orWhole);
    } catch (PatternSyntaxException e) {
      throw answer.get("regex").wrong("'regex' is no regular expression: " + e.getDescription() + " at character " + (e.getIndex() + 1));
    }
  }

  private static Importing importing(YamlNode node, List<Outcome> outcomes) {
    node.only("import", IMPORT);
    Importing.Format format = oneOf(node, "format", List.of(Importing.Format.values()), Importing.Format::id);
    boolean table = format == Importing.Format.TABLE;
    if (table != node.has("columns")) {
      throw node.wrong(table ? "the format 'table' needs 'columns': the file's column for each name" : "the format '" + format.id() + "' has its own columns; leave out 'columns'");
    }
    Map<String, String> columns = node.textMap("columns");
    Set<String> known = new LinkedHashSet<>(table ? columns.keySet() : format.names());
    Map<String, Map<String, String>> values = new LinkedHashMap<>();
    if (node.has("values")) {
      for (Map.Entry<String, YamlNode> entry : node.get("values").mapping("values").entrySet()) {
        require(entry.getValue(), "values", entry.getKey(), known);
        values.put(entry.getKey(), node.get("values").textMap(entry.getKey()));
        for (Outcome outcome : outcomes) {
          if (outcome.field().equals(entry.getKey()) && !outcome.labels().isEmpty() && !outcome.labels().containsAll(values.get(entry.getKey()).values())) {
            throw entry.getValue().wrong("'values' of '" + entry.getKey() + "' must lead to the labels " + String.join(", ", outcome.labels()) + " of the outcome " + outcome.name());
          }
        }
      }
    }
    Template completion = template(node, "completion", known);
    Set<String> fields = new LinkedHashSet<>(node.texts("fields"));
    for (String field : fields) {
      require(node.get("fields"), "fields", field, known);
    }
    outcomes.stream().map(Outcome::field).filter(known::contains).forEach(fields::add);
    outcomes.stream().map(Outcome::aliases).filter(known::contains).forEach(fields::add);
    for (Outcome outcome : outcomes) {
      if (!known.contains(outcome.field()) && !outcome.field().equals("completion")) {
        throw node.wrong("the outcome '" + outcome.name() + "' needs '" + outcome.field() + "', which the import does not give; it gives completion, " + String.join(", ", known));
      }
    }
    return new Importing(format, columns, values, node.text("sheet", null), template(node, "prompt", known), completion, rejected(node.get("rejected"), known, completion, outcomes),
        node.has("passage") ? template(node, "passage", known) : template(node, "prompt", known), List.copyOf(fields));
  }

  private static Importing.Rejected rejected(YamlNode node, Set<String> known, Template completion, List<Outcome> outcomes) {
    node.only("rejected", List.of("change", "any-of", "template"));
    if (node.mapping("rejected").size() != 1) {
      throw node.wrong("'rejected' must have exactly one of change, any-of and template");
    }
    List<String> change = node.texts("change");
    Set<String> labelled = outcomes.stream().filter(o -> o.grader() == Outcome.Kind.LABEL).map(Outcome::field).collect(Collectors.toCollection(LinkedHashSet::new));
    for (String name : change) {
      require(node.get("change"), "change", name, known);
      if (!labelled.contains(name)) {
        throw node.get("change").wrong("'" + name + "' cannot be changed, as no outcome with labels has it as its field");
      } else if (!completion.names().contains(name)) {
        throw node.get("change").wrong("'" + name + "' cannot be changed, as the completion does not use {" + name + "}");
      }
    }
    for (String name : node.texts("any-of")) {
      require(node.get("any-of"), "any-of", name, known);
    }
    return new Importing.Rejected(change, node.texts("any-of"), node.has("template") ? template(node, "template", known) : null);
  }

  private static Template template(YamlNode node, String key, Set<String> known) {
    Template template = new Template(node.text(key).stripTrailing());
    try {
      for (String name : template.names()) {
        require(node.get(key), key, name, known);
      }
    } catch (IllegalArgumentException e) {
      throw node.get(key).wrong("'" + key + "': " + e.getMessage());
    }
    return template;
  }

  private static void require(YamlNode node, String key, String name, Set<String> known) {
    if (!known.contains(name)) {
      throw node.wrong("'" + key + "' names '" + name + "', which is no column; the columns are " + String.join(", ", known));
    }
  }

  private static <T> T oneOf(YamlNode node, String key, List<T> values, Function<T, String> id) {
    String text = node.text(key);
    return values.stream().filter(value -> id.apply(value).equals(text)).findFirst().orElseThrow(
        () -> node.get(key).wrong("'" + key + "' must be one of " + values.stream().map(id).collect(Collectors.joining(", ")) + ", not '" + text + "'"));
  }
}
