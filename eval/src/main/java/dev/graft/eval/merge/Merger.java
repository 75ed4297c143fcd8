package dev.graft.eval.merge;

import dev.graft.bindings.BadFileException;
import dev.graft.bindings.GgufFile;
import dev.graft.bindings.GgufTensor;
import dev.graft.bindings.GgufWriter;
import dev.graft.bindings.GraftRuntime;
import dev.graft.bindings.Importance;
import dev.graft.bindings.ModelQuantizer;
import dev.graft.bindings.QuantizePlan;
import dev.graft.bindings.QuantizeSpec;
import dev.graft.bindings.Quantizer;
import dev.graft.bindings.UsageException;
import dev.graft.bindings.WeightType;
import dev.graft.eval.adapter.AdapterFile;
import dev.graft.eval.adapter.AdapterFile.Pair;
import dev.graft.eval.adapter.BaseShape;
import dev.graft.eval.convert.RowPipeline;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntConsumer;

/**
 * Adds an adapter to the weights of its base: W + scale·B·A, tensor by tensor and a few rows at a time. Sums are in f64, and rounded once
 * to f32 before they are quantized. All metadata is carried over.
 */
public final class Merger {
  private static final float HALF_MAX = 65504;

  private final GraftRuntime runtime;
  private final GgufFile base;
  private final BaseShape shape;
  private final AdapterFile adapter;
  private final double scale;
  private final int threads;
  private final Importance importance;
  private final Map<String, Long> columnsKnown = new HashMap<>();

  /**
   * @param runtime whose kernels read the base's blocks
   * @param adapter must fit the base
   * @param scale beside the adapter's own
   * @param threads 0 for every core
   * @param importance weighs the errors of what is quantized, or null; stays open while this object is used
   * @throws BadFileException when the adapter does not fit
   */
  public Merger(GraftRuntime runtime, GgufFile base, BaseShape shape, AdapterFile adapter, double scale, int threads, Importance importance) {
    this.runtime = runtime;
    this.base = base;
    this.shape = shape;
    this.adapter = adapter;
    this.scale = scale;
    this.threads = threads;
    this.importance = importance;
    if (importance != null) {
      importance.entries().forEach(entry -> columnsKnown.put(entry.name(), entry.columns()));
    }
    String source = adapter.file().path().toString();
    if (!adapter.architecture().equals(shape.architecture())) {
      throw new BadFileException(source + " was made for a " + adapter.architecture() + " model, but " + shape.path() + " is " + shape.architecture());
    }
    adapter.pairs().forEach(pair -> shape.check(source, pair.weight(), pair.rows(), pair.columns()));
  }

  /**
   * What was written.
   *
   * @param merged weights that the adapter changed  @param parameters elements of all tensors
   * @param types bytes by type  @param notes sentences for the user
   */
  public record Result(int merged, long parameters, Map<String, Long> types, List<String> notes) {}

  /**
   * Writes the merged model, whole or not at all.
   *
   * @param mix the type of all matrices, or a mix of types such as Q4_K_M; null for those that the base has
   * @param progress gets the number of tensors done
   */
  public Result write(String mix, Path output, IntConsumer progress) throws IOException {
    Map<String, Pair> pairs = new HashMap<>();
    adapter.pairs().forEach(pair -> pairs.put(pair.weight(), pair));
    List<GgufTensor> tensors = base.tensors();
    List<String> notes = new ArrayList<>();
    Map<String, Long> bytes = new TreeMap<>();
    try (GgufWriter writer = GgufWriter.copyOf(base)) {
      Map<GgufTensor, WeightType> types = types(tensors, mix, output, writer, notes);
      types.forEach((tensor, type) -> {
        writer.tensor(tensor.name(), type, tensor.shape());
        bytes.merge(type.label(), type.bytes(tensor.elements()), Long::sum);
      });
      writer.begin(output);
      int done = 0;
      try (RowPipeline pipeline = new RowPipeline(writer, threads)) {
        for (Map.Entry<GgufTensor, WeightType> entry : types.entrySet()) {
          write(pipeline, entry.getKey(), entry.getValue(), pairs.get(entry.getKey().name()));
          progress.accept(++done);
        }
        pipeline.finish();
      }
      writer.commit();
    }
    return new Result(pairs.size(), tensors.stream().mapToLong(GgufTensor::elements).sum(), bytes, notes);
  }

  private Map<GgufTensor, WeightType> types(List<GgufTensor> tensors, String mix, Path output, GgufWriter writer, List<String> notes) {
    Map<GgufTensor, WeightType> types = new LinkedHashMap<>();
    tensors.forEach(tensor -> types.put(tensor, tensor.type()));
    if (mix == null) {
      return types;
    }
    try (ModelQuantizer quantizer = ModelQuantizer.open(runtime, base.path(), output, new QuantizeSpec(mix), importance)) { // for its choice of types only
      QuantizePlan plan = quantizer.plan();
      Map<String, QuantizePlan.Tensor> planned = new HashMap<>();
      plan.tensors().forEach(tensor -> planned.put(tensor.name(), tensor));
      types.replaceAll((tensor, type) -> WeightType.named(planned.get(tensor.name()).to()));
      writer.set("general.file_type", (long) plan.fileType()).set("general.quantization_version", 2L);
      List<QuantizePlan.Tensor> fallbacks = plan.tensors().stream().filter(QuantizePlan.Tensor::fallback).toList();
      if (!fallbacks.isEmpty()) {
        QuantizePlan.Tensor first = fallbacks.get(0);
        notes.add("rows of " + fallbacks.size() + " tensors do not fit their type; " + first.name() + " (rows of " + first.row() + ") becomes " + first.to() + ", not " + first.wanted());
      }
      if (plan.requantized() > 0) {
        notes.add(plan.requantized() + " tensors of " + base.path() + " are quantized already and get another type, which adds to the error; merge into the unquantized model if you have it");
      }
    }
    return types;
  }

  private void write(RowPipeline pipeline, GgufTensor tensor, WeightType type, Pair pair) throws IOException {
    long columns = tensor.columns();
    if (pair == null && type.number() == tensor.type().number()) {
      pipeline.tensor(tensor.rows(), columns, 1, (first, count) -> base.bytes(tensor, first * columns, Math.toIntExact(count * columns)));
      return;
    }
    float[] a = pair == null ? null : adapter.values(pair.a());
    float[] b = pair == null ? null : adapter.values(pair.b());
    double factor = pair == null ? 0 : scale * adapter.scale(pair);
    float[] weights = weights(tensor, type);
    pipeline.tensor(tensor.rows(), columns, 1, (first, count) -> {
      int n = Math.toIntExact(count * columns);
      float[] values = runtime.dequantize(tensor.type().number(), base.bytes(tensor, first * columns, n), n);
      if (pair != null) {
        add(values, a, b, factor, first, (int) columns, pair.rank());
      }
      check(tensor, type, values);
      return Quantizer.quantizeRows(runtime, type.number(), values, (int) columns, weights, Math.toIntExact(type.bytes(n)));
    });
  }

  /** What errors in the columns of a tensor weigh, or null where nothing is known or lost. */
  private float[] weights(GgufTensor tensor, WeightType type) {
    Long columns = columnsKnown.get(tensor.name());
    if (columns == null || type.blockSize() == 1) {
      return null;
    } else if (columns != tensor.columns()) {
      if (tensor.name().equals("token_embd.weight")) {
        return null;
      }
      throw new UsageException("the importance matrix has " + columns + " columns for " + tensor.name() + ", which has " + tensor.columns() + "; it was made for another model");
    }
    return importance.values(tensor.name(), columns.intValue());
  }

  /** values [rows, columns] += factor · B[first ..]·A, each sum in f64. */
  static void add(float[] values, float[] a, float[] b, double factor, long first, int columns, int rank) {
    double[] row = new double[columns];
    for (int n = 0; n < values.length / columns; n++) {
      java.util.Arrays.fill(row, 0);
      for (int r = 0; r < rank; r++) {
        double coefficient = factor * b[(int) ((first + n) * rank) + r];
        int from = r * columns;
        for (int k = 0; k < columns; k++) {
          row[k] += coefficient * a[from + k];
        }
      }
      int at = n * columns;
      for (int k = 0; k < columns; k++) {
        values[at + k] = (float) (values[at + k] + row[k]);
      }
    }
  }

  private void check(GgufTensor tensor, WeightType type, float[] values) {
    boolean half = !type.label().equals("F32") && !type.label().equals("BF16"); // quantized blocks have scales in F16
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new BadFileException(base.path() + ": tensor " + tensor.name() + ", merged, holds a NaN or infinity");
      } else if (half && !(Math.abs(value) <= HALF_MAX)) {
        throw new BadFileException(base.path() + ": tensor " + tensor.name() + ", merged, holds " + value + ", which " + type.label() + " cannot; take --type BF16 or F32");
      }
    }
  }
}
