package dev.graft.trainer.serve;

import dev.graft.bindings.Generator;
import dev.graft.bindings.Generator.Keep;
import dev.graft.bindings.Likelihood;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

/**
 * Answers many prompts with one generator, a pass at a time (Yu et al. 2022, "Orca"): each pass has the next token of every answer that is being written and, in the
 * room that is left, pieces of the prompts that came first (Agrawal et al. 2024, "Sarathi-Serve"). Prompts begin in the order in which they came, as soon as there
 * is a free sequence and room in the cache; one whose beginning another is just computing waits for that. One thread, but for {@link #cancel}.
 */
public final class ContinuousBatch {
  private final Generator generator;
  private final Vocabulary vocabulary;
  private final int passRows;
  private final int promptRows;
  private final int pageTokens;
  private final Deque<Answer> waiting = new ArrayDeque<>();
  private final List<Answer> active = new ArrayList<>();
  private final Deque<Integer> free = new ArrayDeque<>();
  private volatile boolean cancellations;
  private long promptTokens;
  private long reusedTokens;
  private long answerTokens;

  /**
   * @param sequences of the generator, which nobody else uses  @param passRows most tokens of a pass
   * @param promptRows most tokens of prompts in a pass that other answers wait for
   */
  public ContinuousBatch(Generator generator, Vocabulary vocabulary, int sequences, int passRows, int promptRows) {
    this.generator = generator;
    this.vocabulary = vocabulary;
    this.passRows = Math.max(passRows, sequences + 1);
    this.promptRows = promptRows;
    this.pageTokens = generator.cache().pageTokens();
    for (int i = 0; i < sequences; i++) {
      free.add(i);
    }
  }

  /** Takes an answer to be computed after those that wait. */
  public void add(Answer answer) {
    waiting.add(answer);
    cancellations |= answer.cancelled; // maybe before it came here
  }

  /** Nobody wants this answer any more; it goes before the next pass. Any thread. */
  public void cancel(Answer answer) {
    answer.cancelled = true;
    cancellations = true;
  }

  /** Whether there is nothing to compute. */
  public boolean idle() {
    return waiting.isEmpty() && active.isEmpty();
  }

  /** Computes one pass and tells the watchers. */
  public void step() {
    dropCancelled();
    Pass pass = new Pass();
    for (Answer answer : active) {
      if (answer.decoding()) {
        pass.add(answer, new int[] {answer.last()}, Keep.LOGITS);
      }
    }
    int room = pass.rows == 0 ? passRows : Math.min(promptRows, passRows - pass.rows);
    for (Answer answer : active) {
      room -= answer.decoding() || room <= 0 ? 0 : pass.addPrompt(answer, room);
    }
    while (room > 0 && !waiting.isEmpty() && !free.isEmpty()) {
      Answer next = waiting.peek();
      try {
        if (!begin(next)) {
          break;
        }
      } catch (RuntimeException e) {
        waiting.remove();
        next.watcher().failed(e);
        continue;
      }
      waiting.remove();
      active.add(next);
      next.watcher().begun();
      room -= pass.addPrompt(next, room);
    }
    if (!pass.answers.isEmpty()) {
      compute(pass);
    }
  }

  /** Fails every answer that is not done. */
  public void failAll(RuntimeException reason) {
    for (Answer answer : List.copyOf(active)) {
      fail(answer, reason);
    }
    while (!waiting.isEmpty()) {
      waiting.remove().watcher().failed(reason);
    }
  }

  /** Tokens of prompts computed so far. */
  long promptTokens() {
    return promptTokens;
  }

  /** Tokens of prompts that were in the cache. */
  long reusedTokens() {
    return reusedTokens;
  }

  long answerTokens() {
    return answerTokens;
  }

  private void dropCancelled() {
    if (!cancellations) {
      return;
    }
    cancellations = false;
    for (Answer answer : List.copyOf(active)) {
      if (answer.cancelled) {
        leave(answer);
        answer.watcher().cancelled();
      }
    }
    for (Iterator<Answer> all = waiting.iterator(); all.hasNext(); ) {
      Answer answer = all.next();
      if (answer.cancelled) {
        all.remove();
        answer.watcher().cancelled();
      }
    }
  }

  /** @return false when it has to wait */
  private boolean begin(Answer answer) {
    AnswerPlan plan = answer.plan();
    if (plan.constraint() != null && answer.constraint == null) {
      answer.constraint = plan.constraint().start();
    }
    int sequence = free.peek();
    int most = Math.addExact(plan.prompt().length, plan.maxTokens());
    int reused = generator.begin(sequence, plan.adapters(), plan.scales(), plan.prompt(), most, !answer.embeds());
    if (reused < 0) {
      return false;
    }
    if (!answer.embeds() && active.stream().anyMatch(other -> !other.decoding() && commonPages(other.plan(), plan) > reused)) {
      generator.end(sequence);
      return false;
    }
    answer.sequence = free.remove();
    answer.reused = reused;
    answer.computed = reused;
    reusedTokens += reused;
    return true;
  }

  /** Tokens in full pages that the second could have of the first. */
  private int commonPages(AnswerPlan first, AnswerPlan second) {
    if (!Arrays.equals(first.adapters(), second.adapters()) || !Arrays.equals(first.scales(), second.scales()) || first.maxTokens() == 0) {
      return 0;
    }
    int difference = Arrays.mismatch(first.prompt(), second.prompt());
    int common = difference < 0 ? first.prompt().length : difference;
    return Math.min(common, second.prompt().length - 1) / pageTokens * pageTokens;
  }

  private void compute(Pass pass) {
    long start = System.nanoTime();
    try {
      pass.append();
    } catch (RuntimeException e) {
      pass.answers.forEach(answer -> fail(answer, e));
      return;
    }
    double seconds = (System.nanoTime() - start) * 1e-9;
    for (int i = 0; i < pass.answers.size(); i++) {
      Answer answer = pass.answers.get(i);
      int tokens = pass.pieces.get(i).length;
      answer.seconds += seconds * tokens / pass.rows;
      if (!answer.decoding()) {
        answer.computed += tokens;
        promptTokens += tokens;
      }
      if (answer.decoding()) {
        finishOrGoOn(answer);
      }
    }
  }

  private void finishOrGoOn(Answer answer) {
    boolean done;
    try {
      if (answer.embeds()) {
        answer.embedded(generator.embedding(answer.sequence));
        done = true;
      } else {
        done = write(answer);
      }
    } catch (RuntimeException e) {
      fail(answer, e);
      return;
    }
    if (done) {
      leave(answer);
      answer.watcher().done(answer);
    }
  }

  /** The next token. @return whether it is the last */
  private boolean write(Answer answer) {
    AnswerPlan plan = answer.plan();
    long[] allowed = answer.constraint == null ? null : answer.constraint.allowed();
    int id = generator.sample(answer.sequence, plan.sampling(), plan.random().nextDouble(), allowed);
    answer.add(id);
    answerTokens++;
    boolean stop = vocabulary.endOfGeneration().contains(id);
    List<TokenLogprob> logprobs = List.of();
    String more = "";
    if (!stop) {
      logprobs = plan.topLogprobs() < 0 ? List.of() : List.of(logprob(answer.sequence, id, plan.topLogprobs()));
      boolean silent = id >= vocabulary.size() || vocabulary.isSpecial(id) && !plan.shown().contains(id);
      more = silent ? "" : answer.writing().add(vocabulary.piece(id));
      stop = answer.writing().stopped();
      if (answer.constraint != null) {
        answer.constraint.accept(id);
        stop |= answer.constraint.finished();
      }
    }
    boolean done = stop || answer.count() >= plan.maxTokens();
    if (done) {
      more += answer.writing().finish();
      answer.ended(stop ? "stop" : "length");
    }
    if (!more.isEmpty() || !logprobs.isEmpty()) {
      answer.watcher().text(more, logprobs);
    }
    return done;
  }

  private TokenLogprob logprob(int sequence, int id, int count) {
    Likelihood likelihood = generator.likelihood(sequence, id, count);
    List<TokenLogprob> top = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      top.add(new TokenLogprob(likelihood.topIds()[i], likelihood.topLogps()[i], List.of()));
    }
    return new TokenLogprob(id, likelihood.logp(), List.copyOf(top));
  }

  private void fail(Answer answer, RuntimeException reason) {
    leave(answer);
    answer.watcher().failed(reason);
  }

  private void leave(Answer answer) {
    active.remove(answer);
    generator.end(answer.sequence);
    free.add(answer.sequence);
    answer.sequence = -1;
  }

  /** What is computed together. */
  private final class Pass {
    private final List<Answer> answers = new ArrayList<>();
    private final List<int[]> pieces = new ArrayList<>();
    private final List<Keep> keep = new ArrayList<>();
    private int rows;

    void add(Answer answer, int[] tokens, Keep kept) {
      answers.add(answer);
      pieces.add(tokens);
      keep.add(kept);
      rows += tokens.length;
    }

    /** As much of a prompt as there is room for. @return how much */
    int addPrompt(Answer answer, int room) {
      int[] prompt = answer.plan().prompt();
      int count = Math.min(room, prompt.length - answer.computed);
      Keep kept = answer.embeds() ? Keep.POOLED : answer.computed + count == prompt.length ? Keep.LOGITS : Keep.NOTHING;
      add(answer, Arrays.copyOfRange(prompt, answer.computed, answer.computed + count), kept);
      return count;
    }

    void append() {
      int[] tokens = new int[rows];
      int at = 0;
      for (int[] piece : pieces) {
        System.arraycopy(piece, 0, tokens, at, piece.length);
        at += piece.length;
      }
      generator.append(answers.stream().mapToInt(answer -> answer.sequence).toArray(), pieces.stream().mapToInt(piece -> piece.length).toArray(), tokens,
          keep.toArray(Keep[]::new));
    }
  }
}
