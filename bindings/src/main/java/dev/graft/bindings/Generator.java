package dev.graft.bindings;

import com.sun.jna.ptr.FloatByReference;
import com.sun.jna.ptr.IntByReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A key/value cache in pages, which many sequences share, each with a set of adapters of its choice. Equal beginnings of sequences with equal adapters are computed once.
 * Closed by who opened it; see the package about lifetimes and threads.
 */
public final class Generator implements AutoCloseable {
  /** What {@link #append} keeps of a sequence's tokens. */
  public enum Keep {
    NOTHING,
    /** The logits after the last token, for {@link #sample} and {@link #likelihood}. */
    LOGITS,
    /** The last hidden states of all these tokens, for {@link #embedding}. */
    POOLED
  }

  private final Handle handle;
  private final Model model;
  private final List<Handle> adapters = new ArrayList<>(); // by index; guarded by the handle's lock

  private Generator(Model model, Handle handle) {
    this.model = model;
    this.handle = handle;
  }

  /**
   * Opens a generator and takes its memory.
   *
   * @throws UsageException when a number is out of range
   * @throws NativeMemoryException when the memory is not to be had
   */
  public static Generator open(Model model, GeneratorOptions options) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(options, "options");
    return new Generator(model, model.handle().child("generator", List.of(), p -> Calls.open((out, m, n) -> GraftLibrary.graft_generator_open(p, options.sequences(),
        options.context(), options.cacheTokens(), options.cacheType().number(), 0, options.passRows(), out, m, n)), GraftLibrary::graft_generator_close));
  }

  /**
   * Adds an adapter, whose numbers must not change from now on. It may be closed; its memory goes when it is removed or this is closed.
   *
   * @return its index, for {@link #begin}; never given to another one
   * @throws IllegalArgumentException when it was opened for another model
   */
  public int addAdapter(Adapter adapter) {
    Handle other = adapter.handleFor(model);
    return handle.join(other, pointer -> {
      IntByReference index = new IntByReference();
      Calls.run((m, n) -> GraftLibrary.graft_generator_add_adapter(handle.pointer(), pointer, index, m, n));
      adapters.add(other);
      return index.getValue();
    });
  }

  /** Removes an adapter. @throws UsageException when there is none of this index, or a sequence uses it */
  public void removeAdapter(int index) {
    handle.run(p -> {
      Handle other = index >= 0 && index < adapters.size() ? adapters.get(index) : null;
      Runnable remove = () -> Calls.run((m, n) -> GraftLibrary.graft_generator_remove_adapter(p, index, m, n));
      if (other == null) {
        remove.run(); // says what is wrong
      } else {
        handle.leave(other, remove);
        adapters.set(index, null);
      }
    });
  }

  /**
   * Begins a sequence that is not at work, and sets the room aside that it may come to need.
   *
   * @param adapters indices of those that apply together; none for the bare base  @param scales multiply their own
   * @param tokens what it begins with, which the caller appends from the result on
   * @param most tokens that it may come to
   * @param reuse whether to take what the cache has of the tokens, and to leave its own for others
   * @return how many of the tokens are in the cache already, fewer than all; or -1 when there is no room now, until another sequence ends
   * @throws UsageException when there never will be room, or an index or id is out of range
   */
  public int begin(int sequence, int[] adapters, float[] scales, int[] tokens, int most, boolean reuse) {
    if (adapters.length != scales.length) {
      throw new IllegalArgumentException("adapters and scales differ in length: " + adapters.length + ", " + scales.length);
    }
    return handle.with(p -> {
      IntByReference reused = new IntByReference();
      Calls.run((m, n) -> GraftLibrary.graft_generator_begin(p, sequence, adapters.length, adapters, scales, tokens.length, tokens, most, reuse ? 1 : 0, reused, m, n));
      return reused.getValue();
    });
  }

  /**
   * Appends tokens to different sequences, all in one pass where they fit.
   *
   * @param sequences which ones  @param lengths for each, how many tokens, at least one  @param tokens end to end  @param keep for each, what to keep
   * @throws UsageException when a sequence would outgrow what it was begun for, or an id is out of range; nothing is done then
   * @throws IllegalArgumentException when the arrays do not fit each other
   */
  public void append(int[] sequences, int[] lengths, int[] tokens, Keep[] keep) {
    long total = 0;
    for (int length : lengths) {
      total += Math.max(0, length);
    }
    if (sequences.length != lengths.length || sequences.length != keep.length || total != tokens.length) {
      throw new IllegalArgumentException(
          sequences.length + " sequences, " + lengths.length + " lengths of " + total + " tokens together, " + tokens.length + " tokens and " + keep.length + " to keep do not fit");
    }
    int[] kept = new int[keep.length];
    for (int i = 0; i < keep.length; i++) {
      kept[i] = keep[i].ordinal();
    }
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_generator_append(p, sequences.length, sequences, lengths, tokens, kept, m, n)));
  }

  /**
   * Draws from the kept logits of a sequence, which is not changed. Penalties see what it began with as the prompt and the rest as the answer.
   *
   * @param random in [0, 1), picks
   * @param mask tokens that may come: bit {@code id % 64} of word {@code id / 64}, none beyond; null for all
   * @throws UsageException when the sequence has no logits, or a parameter is out of range
   * @throws NotFiniteException when no token that may come has a finite logit
   */
  public int sample(int sequence, Sampling sampling, double random, long[] mask) {
    Objects.requireNonNull(sampling, "sampling");
    int[] ids = sampling.biasIds();
    float[] biases = sampling.biases(ids);
    return handle.with(p -> {
      IntByReference token = new IntByReference();
      Calls.run((m, n) -> GraftLibrary.graft_generator_sample(p, sequence, sampling.temperature(), sampling.topK(), sampling.topP(), sampling.minP(),
          sampling.repetitionPenalty(), sampling.presencePenalty(), sampling.frequencyPenalty(), ids.length, ids, biases, mask, mask == null ? 0 : mask.length, random,
          token, m, n));
      return token.getValue();
    });
  }

  /** How likely a token is after the kept logits of a sequence, and the {@code top} likeliest. @throws UsageException when there are none, or an argument is out of range */
  public Likelihood likelihood(int sequence, int token, int top) {
    int[] ids = new int[Math.max(0, top)];
    float[] logps = new float[ids.length];
    return handle.with(p -> {
      FloatByReference logp = new FloatByReference();
      Calls.run((m, n) -> GraftLibrary.graft_generator_logps(p, sequence, token, logp, top, ids, logps, m, n));
      return new Likelihood(logp.getValue(), ids, logps);
    });
  }

  /** The mean of the hidden states kept of a sequence, of length 1. @throws UsageException when none were kept */
  public float[] embedding(int sequence) {
    float[] values = new float[model.info().width()];
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_generator_embedding(p, sequence, values, values.length, m, n)));
    return values;
  }

  /** Ends a sequence, if it is at work; its number may begin again. */
  public void end(int sequence) {
    handle.run(p -> Calls.run((m, n) -> GraftLibrary.graft_generator_end(p, sequence, m, n)));
  }

  /** What the cache holds now. */
  public CacheUse cache() {
    return handle.with(p -> {
      IntByReference[] values = {new IntByReference(), new IntByReference(), new IntByReference(), new IntByReference()};
      Calls.run((m, n) -> GraftLibrary.graft_generator_cache(p, values[0], values[1], values[2], values[3], m, n));
      return new CacheUse(values[0].getValue(), values[1].getValue(), values[2].getValue(), values[3].getValue());
    });
  }

  /** Gives the cache back. */
  @Override
  public void close() {
    handle.close();
  }
}
