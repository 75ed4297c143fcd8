package dev.graft.trainer.generate;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.Generator;
import dev.graft.bindings.Model;
import dev.graft.bindings.Sampled;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SplitMix64;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * Answers many prompts with our own engine, several at once, each with an adapter of its
 * choice: when one answer is done, the next prompt takes its place. One thread.
 */
public final class BatchGenerator {
  private final Model model;
  private final List<Adapter> adapters;
  private final Vocabulary vocabulary;
  private final GenerateOptions options;

  /** Gets answers; called on the generating thread. */
  public interface Sink {
    /** More text of an answer. @return false to stop everything (nobody reads any more) */
    default boolean text(int index, String more) {
      return true;
    }

    /** An answer is done; they come in the order in which they finish. */
    default void done(Completion completion) {}

    /** The same with the wall time spent on it: where several were computed at once, its share by tokens. */
    default void done(Completion completion, double seconds) {
      done(completion);
    }
  }

  /** @param adapters those that a {@link Prompt#adapter} may name; may be empty */
  public BatchGenerator(Model model, List<Adapter> adapters, Vocabulary vocabulary, GenerateOptions options) {
    this.model = model;
    this.adapters = List.copyOf(adapters);
    this.vocabulary = vocabulary;
    this.options = options;
  }

  /** One sequence of the cache at work. */
  private final class Slot {
    private final int sequence;
    private final Prompt prompt;
    private final AnswerText text = new AnswerText(options.stop());
    private final SplitMix64 random;
    private int[] ids = new int[16];
    private int count;
    private double seconds;

    Slot(int sequence, Prompt prompt) {
      this.sequence = sequence;
      this.prompt = prompt;
      this.random = new SplitMix64(options.seed(), prompt.index());
    }

    void add(int id) {
      if (count == ids.length) {
        ids = Arrays.copyOf(ids, 2 * count);
      }
      ids[count++] = id;
    }

    Completion completion(String reason) {
      return new Completion(prompt.index(), text.text(), Arrays.copyOf(ids, count), reason);
    }
  }

  /**
   * Refuses prompts that do not fit with their answers.
   *
   * @param context the model's context in tokens  @param file the prompts' file, or null for the command line
   * @return tokens that the longest one needs with its answer
   * @throws DataException naming the first line of the file that does not fit
   * @throws RunException when a prompt of the command line does not fit
   */
  public static int requiredContext(List<Prompt> prompts, int context, Path file) {
    long most = 1;
    for (Prompt prompt : prompts) {
      if (prompt.tokens().length == 0) {
        throw file == null ? RunException.badData("the prompt is empty", null) : new DataException(file, prompt.line(), "the prompt is empty");
      }
      long needed = (long) prompt.tokens().length + prompt.maxTokens();
      if (needed > context) {
        int room = context - prompt.tokens().length;
        String problem = "the prompt's " + prompt.tokens().length + " tokens and --max-tokens " + prompt.maxTokens() + " exceed the context of " + context + "; "
            + (room > 0 ? "give --max-tokens " + room + " at most" : "shorten the prompt");
        throw file == null ? RunException.usage(problem) : new DataException(file, prompt.line(), problem);
      }
      most = Math.max(most, needed);
    }
    return (int) most;
  }

  /** Generates an answer to every prompt; {@code context} is what {@link #requiredContext} gave. */
  public void run(List<Prompt> prompts, int context, Sink sink) {
    int sequences = Math.min(options.sequences(), prompts.size());
    Deque<Prompt> waiting = new ArrayDeque<>(prompts);
    Deque<Integer> free = new ArrayDeque<>();
    for (int i = 0; i < sequences; i++) {
      free.add(i);
    }
    List<Slot> active = new ArrayList<>();
    try (Generator generator = Generator.open(model, adapters, Math.max(1, sequences), context)) {
      while (!waiting.isEmpty() || !active.isEmpty()) {
        List<Slot> fresh = new ArrayList<>();
        while (!free.isEmpty() && !waiting.isEmpty()) {
          fresh.add(new Slot(free.remove(), waiting.remove()));
        }
        fresh.forEach(slot -> generator.truncate(slot.sequence, 0));
        if (!fresh.isEmpty()) {
          append(generator, fresh, fresh.stream().map(slot -> slot.prompt.tokens()).toList());
        }
        active.addAll(fresh);
        List<Slot> going = new ArrayList<>();
        for (Slot slot : active) {
          Step step = sample(generator, slot, sink);
          if (step == Step.ABANDONED) {
            return;
          } else if (step == Step.GOES_ON) {
            going.add(slot);
          } else {
            free.add(slot.sequence);
          }
        }
        if (!going.isEmpty()) {
          append(generator, going, going.stream().map(slot -> new int[] {slot.ids[slot.count - 1]}).toList());
        }
        active = going;
      }
    }
  }

  private enum Step {
    GOES_ON,
    DONE,
    ABANDONED
  }

  private Step sample(Generator generator, Slot slot, Sink sink) {
    Sampled sampled = generator.sample(slot.sequence, options.sampling(), slot.random.nextDouble());
    int id = sampled.token();
    slot.add(id);
    boolean end = vocabulary.endOfGeneration().contains(id);
    boolean known = id < vocabulary.size();
    String more = end || !known || vocabulary.isSpecial(id) ? "" : slot.text.add(vocabulary.piece(id));
    boolean stop = end || slot.text.stopped();
    boolean done = stop || slot.count >= slot.prompt.maxTokens();
    if (done) {
      more += slot.text.finish();
    }
    if (!more.isEmpty() && !sink.text(slot.prompt.index(), more)) {
      return Step.ABANDONED;
    }
    if (done) {
      sink.done(slot.completion(stop || slot.text.stopped() ? "stop" : "length"), slot.seconds);
    }
    return done ? Step.DONE : Step.GOES_ON;
  }

  private static void append(Generator generator, List<Slot> slots, List<int[]> parts) {
    int[] sequences = slots.stream().mapToInt(slot -> slot.sequence).toArray();
    int[] chosen = slots.stream().mapToInt(slot -> slot.prompt.adapter()).toArray();
    long start = System.nanoTime();
    generator.append(sequences, chosen, parts.toArray(int[][]::new));
    double seconds = (System.nanoTime() - start) * 1e-9;
    double tokens = parts.stream().mapToInt(part -> part.length).sum();
    for (int i = 0; i < slots.size(); i++) {
      slots.get(i).seconds += seconds * parts.get(i).length / tokens;
    }
  }
}
