package dev.graft.eval.adapter;

import dev.graft.bindings.BadFileException;
import dev.graft.bindings.GgufWriter;
import dev.graft.bindings.WeightType;
import dev.graft.eval.adapter.AdapterFile.Pair;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Adapters made from adapters. */
public final class AdapterChanges {
  private AdapterChanges() {}

  /**
   * An adapter that does {@code factor} times what this does. Alpha takes the factor, so the matrices stay as they are, but for the
   * sign of B when it is negative.
   */
  public static void scale(AdapterFile adapter, float factor, Path output) throws IOException {
    float alpha = adapter.alpha() * Math.abs(factor);
    boolean byAlpha = adapter.alpha() > 0 && alpha > 0 && Float.isFinite(alpha); // alpha 0 would mean a scale of 1
    float onB = byAlpha ? Math.signum(factor) : factor;
    List<AdapterOutput.Entry> entries = new ArrayList<>();
    for (Pair pair : adapter.pairs()) {
      entries.add(new AdapterOutput.Entry(pair.weight(), pair.a().type(), pair.rank(), pair.columns(), pair.rows(), () -> adapter.bytes(pair.a()),
          () -> onB == 1 ? adapter.bytes(pair.b()) : AdapterOutput.encode(pair.b().name(), pair.a().type(), times(adapter.values(pair.b()), onB))));
    }
    write(adapter, output, byAlpha ? alpha : adapter.alpha(), entries);
  }

  /** The same adapter in F32, F16 or BF16. */
  public static void convert(AdapterFile adapter, WeightType type, Path output) throws IOException {
    List<AdapterOutput.Entry> entries = new ArrayList<>();
    for (Pair pair : adapter.pairs()) {
      entries.add(new AdapterOutput.Entry(pair.weight(), type, pair.rank(), pair.columns(), pair.rows(),
          () -> AdapterOutput.encode(pair.a().name(), type, adapter.values(pair.a())), () -> AdapterOutput.encode(pair.b().name(), type, adapter.values(pair.b()))));
    }
    write(adapter, output, adapter.alpha(), entries);
  }

  private static void write(AdapterFile source, Path output, float alpha, List<AdapterOutput.Entry> entries) throws IOException {
    try (GgufWriter writer = GgufWriter.copyOf(source.file())) {
      AdapterOutput.write(output, writer, alpha, entries);
    }
  }

  /**
   * What a sum has become.
   *
   * @param rank largest of its pairs
   * @param error the norm of what the reduction left out, as a part of the norm of the whole; 0 without one
   * @param worst the same of the weight that lost most
   * @param worstWeight its name, or null
   */
  public record Sum(int rank, double error, double worst, String worstWeight) {}

  /**
   * The weighted sum of adapters: their ranks end to end, which is exact but for the rounding of B times its scale to f32.
   *
   * @param weights as many as adapters
   * @param rank 0, or the rank to which every pair is reduced by a singular value decomposition
   * @param type F32, F16 or BF16
   */
  public static Sum sum(List<AdapterFile> adapters, double[] weights, int rank, WeightType type, String name, Path output) throws IOException {
    Map<String, List<Part>> parts = new LinkedHashMap<>();
    for (int i = 0; i < adapters.size(); i++) {
      AdapterFile adapter = adapters.get(i);
      if (!adapter.architecture().equals(adapters.get(0).architecture())) {
        throw new BadFileException(adapter.file().path() + " was made for a " + adapter.architecture() + " model, but " + adapters.get(0).file().path() + " for a "
            + adapters.get(0).architecture() + "; only adapters of one model can be summed");
      }
      for (Pair pair : adapter.pairs()) {
        parts.computeIfAbsent(pair.weight(), key -> new ArrayList<>()).add(new Part(adapter, pair, weights[i] * adapter.scale(pair)));
      }
    }
    int most = 0;
    for (List<Part> same : parts.values()) {
      int ranks = same.stream().mapToInt(part -> part.pair.rank()).sum();
      most = Math.max(most, rank > 0 ? Math.min(rank, ranks) : ranks);
      check(same);
    }
    return write(adapters.get(0), parts, rank, most, type, name, output);
  }

  private record Part(AdapterFile adapter, Pair pair, double scale) {}

  private static void check(List<Part> parts) {
    Pair first = parts.get(0).pair;
    for (Part part : parts) {
      if (part.pair.rows() != first.rows() || part.pair.columns() != first.columns()) {
        throw new BadFileException(part.adapter.file().path() + ": " + first.weight() + " is " + part.pair.columns() + " x " + part.pair.rows() + ", but in "
            + parts.get(0).adapter.file().path() + " " + first.columns() + " x " + first.rows() + "; only adapters of one model can be summed");
      }
    }
  }

  private static Sum write(AdapterFile first, Map<String, List<Part>> parts, int rank, int most, WeightType type, String name, Path output) throws IOException {
    double[] squares = new double[2]; // of what was left out, of the whole
    double[] worst = {0};
    String[] worstWeight = {null};
    List<AdapterOutput.Entry> entries = new ArrayList<>();
    Map<String, LowRank> waiting = new LinkedHashMap<>(); // B's half of the pair whose A was just written
    parts.forEach((weight, same) -> {
      int ranks = same.stream().mapToInt(part -> part.pair.rank()).sum();
      int kept = rank > 0 ? Math.min(rank, ranks) : ranks;
      Pair shape = same.get(0).pair;
      entries.add(new AdapterOutput.Entry(weight, type, kept, shape.columns(), shape.rows(), () -> {
        LowRank whole = LowRank.concatenated(same.stream().map(p -> new LowRank.Term(p.adapter.values(p.pair.a()), p.adapter.values(p.pair.b()), p.pair.rank(), p.scale)).toList());
        LowRank result = kept < ranks ? whole.reduced(kept) : whole;
        if (kept < ranks) {
          squares[0] += result.lost() * result.lost();
          squares[1] += result.norm() * result.norm();
          double part = result.norm() == 0 ? 0 : result.lost() / result.norm();
          if (part > worst[0]) {
            worst[0] = part;
            worstWeight[0] = weight;
          }
        }
        waiting.put(weight, result);
        return AdapterOutput.encode(weight + ".lora_a", type, result.a());
      }, () -> AdapterOutput.encode(weight + ".lora_b", type, times(waiting.remove(weight).b(), (float) ((double) kept / most)))));
    });
    try (GgufWriter writer = GgufWriter.copyOf(first.file())) {
      writer.set("general.name", name).set(AdapterOutput.RSLORA, false);
      AdapterOutput.write(output, writer, most, entries); // scale of a pair: most / kept
    }
    return new Sum(most, squares[1] == 0 ? 0 : Math.sqrt(squares[0] / squares[1]), worst[0], worstWeight[0]);
  }

  private static float[] times(float[] values, float factor) {
    if (factor != 1) {
      for (int i = 0; i < values.length; i++) {
        values[i] *= factor;
      }
    }
    return values;
  }
}
