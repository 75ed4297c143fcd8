package dev.graft.trainer.generate;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.CacheType;
import dev.graft.bindings.Generator;
import dev.graft.bindings.GeneratorOptions;
import dev.graft.bindings.Model;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SplitMix64;
import dev.graft.trainer.serve.Answer;
import dev.graft.trainer.serve.AnswerPlan;
import dev.graft.trainer.serve.ContinuousBatch;
import dev.graft.trainer.serve.TokenLogprob;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * Answers many prompts with our own engine, several at once, each with an adapter of its
 * choice: when one answer is done, the next prompt takes its place. One thread.
 */
public final class BatchGenerator {
  private static final int PASS_ROWS = 512;

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
    int sequences = Math.max(1, Math.min(options.sequences(), prompts.size()));
    try (Generator generator = Generator.open(model, new GeneratorOptions(sequences, context, 0, CacheType.F32, PASS_ROWS))) {
      int[] indices = adapters.stream().mapToInt(generator::addAdapter).toArray();
      ContinuousBatch batch = new ContinuousBatch(generator, vocabulary, sequences, PASS_ROWS, PASS_ROWS);
      Told told = new Told(sink);
      for (Prompt prompt : prompts) {
        boolean base = prompt.adapter() == Prompt.BASE;
        batch.add(new Answer(
            new AnswerPlan(prompt.tokens(), base ? new int[0] : new int[] {indices[prompt.adapter()]}, base ? new float[0] : new float[] {1}, options.sampling(),
                new SplitMix64(options.seed(), prompt.index()), options.stop(), prompt.maxTokens(), -1, null, Set.of()),
            told.watcher(prompt.index())));
      }
      while (!batch.idle() && !told.abandoned) {
        batch.step();
        if (told.failure != null) {
          throw told.failure;
        }
      }
    }
  }

  /** Hands on to a sink until it has enough. */
  private static final class Told {
    private final Sink sink;
    private boolean abandoned;
    private RuntimeException failure;

    Told(Sink sink) {
      this.sink = sink;
    }

    Answer.Watcher watcher(int index) {
      return new Answer.Watcher() {
        @Override
        public void text(String more, List<TokenLogprob> tokens) {
          abandoned = abandoned || !sink.text(index, more);
        }

        @Override
        public void done(Answer answer) {
          if (!abandoned) {
            sink.done(new Completion(index, answer.text(), answer.ids(), answer.end().reason()), answer.seconds());
          }
        }

        @Override
        public void failed(RuntimeException reason) {
          failure = failure == null ? reason : failure;
        }
      };
    }
  }
}
