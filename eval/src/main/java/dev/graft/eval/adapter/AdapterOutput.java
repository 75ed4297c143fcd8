package dev.graft.eval.adapter;

import dev.graft.bindings.GgufWriter;
import dev.graft.bindings.Quantizer;
import dev.graft.bindings.UsageException;
import dev.graft.bindings.WeightType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;

/** Writes adapters in llama.cpp's layout, tensor by tensor, whole or not at all. */
public final class AdapterOutput {
  /** A key of ours, which llama.cpp passes over: PEFT's {@code use_rslora} of an imported adapter, to be exported again. */
  static final String RSLORA = "graft.peft.use_rslora";

  /** The largest finite number of F16. */
  private static final float HALF_MAX = 65504;

  private AdapterOutput() {}

  /** Gives a tensor's bytes when it is their turn. */
  @FunctionalInterface
  public interface Source {
    byte[] bytes() throws IOException;
  }

  /**
   * What is added to one weight.
   *
   * @param weight its name, "blk.0.attn_q.weight"
   * @param type of both matrices
   * @param a bytes of [rank, columns]
   * @param b bytes of [rows, rank]
   */
  public record Entry(String weight, WeightType type, long rank, long columns, long rows, Source a, Source b) {}

  /**
   * Writes the file.
   *
   * @param writer with all metadata but what says that this is an adapter
   * @param alpha what a pair's product is multiplied by is alpha / rank
   */
  public static void write(Path path, GgufWriter writer, float alpha, List<Entry> entries) throws IOException {
    writer.set("general.type", "adapter").set("adapter.type", "lora").set("adapter.lora.alpha", alpha);
    for (Entry entry : entries) {
      writer.tensor(entry.weight() + ".lora_a", entry.type(), List.of(entry.columns(), entry.rank()));
      writer.tensor(entry.weight() + ".lora_b", entry.type(), List.of(entry.rank(), entry.rows()));
    }
    writer.begin(path);
    for (Entry entry : entries) {
      writer.write(entry.a().bytes());
      writer.write(entry.b().bytes());
    }
    writer.commit();
  }

  /** Values in F32, F16 or BF16. @throws UsageException when one is beyond F16 */
  public static byte[] encode(String tensor, WeightType type, float[] values) {
    if (type.label().equals("F32")) {
      ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(4, values.length)).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(values);
      return bytes.array();
    }
    if (type.label().equals("F16")) {
      for (float value : values) {
        if (!(Math.abs(value) <= HALF_MAX)) {
          throw new UsageException("tensor " + tensor + " holds " + value + ", which F16 cannot; take BF16 or F32");
        }
      }
    }
    return Quantizer.quantize(type.number(), values, Math.toIntExact(type.bytes(values.length)));
  }
}
