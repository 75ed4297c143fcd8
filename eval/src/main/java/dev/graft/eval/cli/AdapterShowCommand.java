package dev.graft.eval.cli;

import dev.graft.eval.adapter.AdapterFile;
import dev.graft.eval.adapter.AdapterFile.Pair;
import dev.graft.eval.adapter.AdapterShape;
import dev.graft.eval.adapter.BaseShape;
import dev.graft.eval.convert.Linear;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft adapter show}. */
@Command(
    name = "show",
    customSynopsis = "graft adapter show ADAPTER.gguf [--model M.gguf] [flags]",
    description = "Shows what a LoRA adapter changes: rank, alpha, targets, the base that it fits, and the norm of scale·B·A by layer.",
    footerHeading = "%nExample:%n",
    footer = {"  graft adapter show run/adapter.gguf --model model.gguf"})
final class AdapterShowCommand implements Callable<Integer> {
  @Mixin CommonOptions common;

  @Parameters(paramLabel = "ADAPTER.gguf", arity = "1", description = "The adapter.")
  Path file;

  @Option(names = "--model", paramLabel = "M.gguf", description = "A base model: fails unless the adapter fits it. Default: none.")
  Path model;

  @Override
  public Integer call() {
    try (AdapterFile adapter = AdapterFile.open(file)) {
      if (model != null) {
        checkFits(adapter);
      }
      AdapterShape shape = AdapterShape.of(adapter);
      if (common.json()) {
        common.printJson(json(adapter, shape));
      } else {
        print(adapter, shape);
      }
    }
    return ExitCode.DONE;
  }

  private void checkFits(AdapterFile adapter) {
    BaseShape base = BaseShape.read(model);
    if (!base.architecture().equals(adapter.architecture())) {
      throw CliException.badData(file + " was made for a " + adapter.architecture() + " model, but " + model + " is " + base.architecture());
    }
    adapter.pairs().forEach(pair -> base.check(file.toString(), pair.weight(), pair.rows(), pair.columns()));
  }

  private static long parameters(AdapterFile adapter) {
    return adapter.pairs().stream().mapToLong(pair -> pair.rank() * (pair.rows() + pair.columns())).sum();
  }

  private static String types(AdapterFile adapter) {
    return adapter.pairs().stream().flatMap(pair -> java.util.stream.Stream.of(pair.a(), pair.b())).map(t -> t.type().label()).distinct().sorted().collect(Collectors.joining(", "));
  }

  /** Extents of the base that the adapter's matrices give away, by name. */
  private static Map<String, Long> base(AdapterFile adapter) {
    Map<String, Long> extents = new TreeMap<>();
    for (Pair pair : adapter.pairs()) {
      switch (pair.linear()) {
        case QUERY -> put(extents, "width", pair.columns(), "query_width", pair.rows());
        case KEY, VALUE -> put(extents, "width", pair.columns(), "kv_width", pair.rows());
        case OUTPUT -> put(extents, "query_width", pair.columns(), "width", pair.rows());
        case GATE, UP -> put(extents, "width", pair.columns(), "feed_forward", pair.rows());
        case DOWN -> put(extents, "feed_forward", pair.columns(), "width", pair.rows());
      }
    }
    return extents;
  }

  private static void put(Map<String, Long> extents, String first, long one, String second, long two) {
    extents.put(first, one);
    extents.put(second, two);
  }

  private static TreeSet<Integer> ranks(AdapterFile adapter) {
    return adapter.pairs().stream().map(Pair::rank).collect(Collectors.toCollection(TreeSet::new));
  }

  private Map<String, Object> json(AdapterFile adapter, AdapterShape shape) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("file", file.toString());
    json.put("name", adapter.name());
    json.put("architecture", adapter.architecture());
    json.put("rank", ranks(adapter).last());
    json.put("ranks", ranks(adapter));
    json.put("alpha", adapter.alpha());
    json.put("types", types(adapter));
    json.put("parameters", parameters(adapter));
    json.put("targets", shape.targets().stream().map(Linear::gguf).toList());
    json.put("base", base(adapter));
    json.put("norm", shape.total());
    List<Map<String, Object>> layers = new java.util.ArrayList<>();
    shape.norms().forEach((layer, norms) -> {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("layer", layer);
      row.put("norm", shape.ofLayer(layer));
      norms.forEach((linear, norm) -> row.put(linear.gguf(), norm));
      layers.add(row);
    });
    json.put("layers", layers);
    return json;
  }

  private void print(AdapterFile adapter, AdapterShape shape) {
    TreeSet<Integer> ranks = ranks(adapter);
    String rank = ranks.size() == 1 ? "" + ranks.first() : ranks.first() + " to " + ranks.last();
    line("file", file.toString());
    line("name", adapter.name().isEmpty() ? "none" : Failures.oneLine(adapter.name()));
    line("rank, alpha", rank + ", " + number(adapter.alpha()) + (adapter.alpha() > 0 && ranks.size() == 1 ? " (scale " + number(adapter.alpha() / ranks.first()) + ")" : "")
        + (adapter.alpha() == 0 ? " (scale 1)" : ""));
    line("targets", shape.targets().stream().map(Linear::gguf).collect(Collectors.joining(", ")));
    line("parameters", String.format(Locale.ROOT, "%,d in %s, %d weights", parameters(adapter), types(adapter), adapter.pairs().size()));
    line("fits", adapter.architecture() + " with at least " + (adapter.pairs().stream().mapToInt(Pair::layer).max().orElse(0) + 1) + " layers, "
        + base(adapter).entrySet().stream().map(e -> e.getKey().replace('_', ' ') + " " + e.getValue()).collect(Collectors.joining(", ")) + (model == null ? "" : "; so " + model));
    line("norm of scale·B·A", String.format(Locale.ROOT, "%.4g", shape.total()));
    common.out().println();
    StringBuilder head = new StringBuilder(String.format(Locale.ROOT, "%-6s %10s", "layer", "norm"));
    shape.targets().forEach(linear -> head.append(String.format(Locale.ROOT, " %11s", linear.gguf())));
    common.out().println(head);
    shape.norms().forEach((layer, norms) -> {
      StringBuilder row = new StringBuilder(String.format(Locale.ROOT, "%-6d %10.4g", layer, shape.ofLayer(layer)));
      shape.targets().forEach(linear -> row.append(norms.containsKey(linear) ? String.format(Locale.ROOT, " %11.4g", norms.get(linear)) : String.format(Locale.ROOT, " %11s", "-")));
      common.out().println(row);
    });
    common.out().flush();
  }

  private void line(String name, String value) {
    common.out().println(String.format(Locale.ROOT, "%-20s %s", name, value));
  }

  private static String number(float value) {
    return value == Math.rint(value) ? String.valueOf((long) value) : String.format(Locale.ROOT, "%.6g", value);
  }
}
