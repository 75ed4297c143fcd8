package dev.graft.bindings;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.DoubleByReference;
import com.sun.jna.ptr.LongByReference;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One device and its threads. Models are opened from it. Any thread may use it; calls on everything opened from one runtime are
 * made one at a time.
 */
public final class GraftRuntime implements AutoCloseable {
  private final Handle handle;
  private final RuntimeInfo info;

  private GraftRuntime(Handle handle) {
    this.handle = handle;
    this.info = describe();
  }

  /**
   * Opens a device.
   *
   * @param device "auto" (a GPU where there is one that can be used), "cpu", "cuda", or "cuda:N" for the GPU of that number, from 0
   * @param isa null or "auto" (which also reads the environment's GRAFT_ISA), "ref", "avx2", "avx512", "amx" or "neon"
   * @param threads worker threads; 0 takes every core that the process may use
   * @throws UsageException when the device or instruction set is unknown or not on this machine, or threads is out of range
   */
  public static GraftRuntime open(String device, String isa, int threads) {
    Objects.requireNonNull(device, "device");
    GraftLibrary.require();
    File plugin = CudaPlugin.provide(device);
    Handle handle;
    try {
      handle = Handle.root("runtime",
          () -> Calls.open((out, m, n) -> GraftLibrary.graft_runtime_open(device, isa, threads, out, m, n)), GraftLibrary::graft_runtime_close);
    } finally {
      CudaPlugin.loaded(plugin);
    }
    try {
      return new GraftRuntime(handle);
    } catch (RuntimeException e) {
      handle.close();
      throw e;
    }
  }

  /** Version of the native library, say "0.1.0". */
  public static String nativeVersion() {
    GraftLibrary.require();
    return GraftLibrary.graft_version();
  }

  /** What this runtime computes on. */
  public RuntimeInfo info() {
    return info;
  }

  /** The GPU's memory; empty on the CPU, which uses the host's. */
  public Optional<DeviceMemory> deviceMemory() {
    if (info.device().equals("cpu")) {
      return Optional.empty();
    }
    return Optional.of(handle.with(p -> {
      LongByReference used = new LongByReference();
      LongByReference peak = new LongByReference();
      LongByReference free = new LongByReference();
      LongByReference total = new LongByReference();
      Calls.run((m, n) -> GraftLibrary.graft_runtime_memory(p, used, peak, free, total, m, n));
      return new DeviceMemory(used.getValue(), peak.getValue(), free.getValue(), total.getValue());
    }));
  }

  /** Measures the device's peak (f32 FMA; on a GPU a large bf16 product), copy and read bandwidth, which takes about a second. */
  public Peak peak() {
    return handle.with(p -> {
      DoubleByReference flops = new DoubleByReference();
      DoubleByReference copied = new DoubleByReference();
      DoubleByReference read = new DoubleByReference();
      Calls.run((m, n) -> GraftLibrary.graft_runtime_peak(p, flops, copied, read, m, n));
      return new Peak(flops.getValue(), copied.getValue(), read.getValue());
    });
  }

  /**
   * Turns blocks of a weight type into f32.
   *
   * @param type ggml's number of the type
   * @param blocks as a GGUF stores them; exactly the bytes of {@code elements} elements
   * @param elements a multiple of the type's block size
   * @throws UsageException when the type is not supported or the sizes do not fit
   */
  public float[] dequantize(int type, byte[] blocks, int elements) {
    Objects.requireNonNull(blocks, "blocks");
    if (elements < 0) {
      throw new IllegalArgumentException("elements is negative: " + elements);
    }
    try (Memory source = new Memory(Math.max(1, blocks.length));
        Memory values = new Memory(Math.max(1, 4L * elements))) {
      source.write(0, blocks, 0, blocks.length);
      dequantize(type, source, blocks.length, values, elements);
      return values.getFloatArray(0, elements);
    }
  }

  /** As above, between buffers of the caller. */
  void dequantize(int type, Pointer source, long sourceBytes, Pointer values, long count) {
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_dequantize(p, type, source, sourceBytes, values, count, m, n)));
  }

  /** Ends the use of this runtime; its memory goes when everything opened from it is closed. */
  @Override
  public void close() {
    handle.close();
  }

  Handle handle() {
    return handle;
  }

  private RuntimeInfo describe() {
    JsonNode json = handle.with(p -> Calls.json((b, c, needed, m, n) -> GraftLibrary.graft_runtime_describe(p, b, c, needed, m, n)));
    List<String> isas = new ArrayList<>();
    json.path("isas").forEach(isa -> isas.add(isa.asText()));
    return new RuntimeInfo(json.path("device").asText(), json.path("isa").asText(), json.path("threads").asInt(), List.copyOf(isas),
        json.path("describe").asText());
  }
}
