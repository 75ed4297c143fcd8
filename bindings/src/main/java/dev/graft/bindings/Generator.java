package dev.graft.bindings;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.FloatByReference;
import com.sun.jna.ptr.IntByReference;
import java.util.List;
import java.util.Objects;

/**
 * A key/value cache of several independent sequences, each with an adapter of its choice. Closed by who opened it; see the package
 * about lifetimes and threads.
 */
public final class Generator implements AutoCloseable {
  private final Handle handle;

  private Generator(Handle handle) {
    this.handle = handle;
  }

  /**
   * Opens a generator and takes its memory.
   *
   * @param adapters those that sequences may choose from, by index; may be empty
   * @param sequences how many
   * @param context most tokens of each
   * @throws UsageException when a number is out of range
   * @throws NativeMemoryException when the memory is not to be had
   */
  public static Generator open(Model model, List<Adapter> adapters, int sequences, int context) {
    Objects.requireNonNull(model, "model");
    List<Adapter> chosen = List.copyOf(adapters);
    List<Handle> others = chosen.stream().map(a -> a.handleFor(model)).toList();
    return new Generator(model.handle().child("generator", others, p -> {
      try (Memory handles = new Memory((long) Native.POINTER_SIZE * Math.max(1, chosen.size()))) {
        for (int i = 0; i < chosen.size(); i++) {
          handles.setPointer((long) Native.POINTER_SIZE * i, others.get(i).pointer());
        }
        Pointer array = chosen.isEmpty() ? null : handles;
        return Calls.open((out, m, n) -> GraftLibrary.graft_generator_open(p, chosen.size(), array, sequences, context, out, m, n));
      }
    }, GraftLibrary::graft_generator_close));
  }

  /**
   * Appends tokens to different sequences and keeps the logits after the last token of each.
   *
   * @param sequences which ones
   * @param adapters for each, the index of its adapter, or -1 for the bare base
   * @param tokens for each, at least one token
   * @throws UsageException when a sequence would outgrow the context, or an index or id is out of range
   * @throws IllegalArgumentException when the arrays differ in length or a sequence gets no tokens
   */
  public void append(int[] sequences, int[] adapters, int[][] tokens) {
    if (sequences.length != adapters.length || sequences.length != tokens.length) {
      throw new IllegalArgumentException(
          "sequences, adapters and tokens differ in length: " + sequences.length + ", " + adapters.length + ", " + tokens.length);
    }
    if (sequences.length == 0) {
      throw new IllegalArgumentException("nothing to append");
    }
    int[] lengths = new int[tokens.length];
    int total = 0;
    for (int i = 0; i < tokens.length; i++) {
      lengths[i] = tokens[i].length;
      if (lengths[i] == 0) {
        throw new IllegalArgumentException("sequence " + sequences[i] + " is given no tokens");
      }
      total = Math.addExact(total, lengths[i]);
    }
    int[] flat = new int[total];
    int at = 0;
    for (int[] part : tokens) {
      System.arraycopy(part, 0, flat, at, part.length);
      at += part.length;
    }
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_generator_append(p, sequences.length, sequences, adapters, lengths, flat, m, n)));
  }

  /**
   * Draws from the kept logits of a sequence; the sequence itself is not changed.
   *
   * @param random in [0, 1), picks
   * @throws UsageException when the sequence has no logits, or a parameter is out of range
   */
  public Sampled sample(int sequence, Sampling sampling, double random) {
    Objects.requireNonNull(sampling, "sampling");
    return handle.with(p -> {
      IntByReference token = new IntByReference();
      FloatByReference logp = new FloatByReference();
      Calls.run((m, n) -> GraftLibrary.graft_generator_sample(p, sequence, sampling.temperature(), sampling.topK(), sampling.topP(), sampling.minP(),
          random, token, logp, m, n));
      return new Sampled(token.getValue(), logp.getValue());
    });
  }

  /** Forgets everything of a sequence after its first {@code keep} tokens. */
  public void truncate(int sequence, int keep) {
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_generator_truncate(p, sequence, keep, m, n)));
  }

  /** Gives the cache back. */
  @Override
  public void close() {
    handle.close();
  }
}
