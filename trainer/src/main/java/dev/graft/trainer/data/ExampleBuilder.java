package dev.graft.trainer.data;

import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;

/** From a row's tokens to an {@link Example}: cuts to the length limit, counts, drops what has nothing to learn. */
final class ExampleBuilder {
  private final DataOptions options;
  private final ReportBuilder report;
  private final PairFaults faults;

  ExampleBuilder(DataOptions options, ReportBuilder report) {
    this.options = options;
    this.report = report;
    this.faults = new PairFaults(options.vocabulary(), report);
  }

  /** @param promptLength tokens before the first target; chat: whether {@link SftExample#promptLength} is unknown */
  Optional<Example> sft(int line, Encoded row, boolean chat) {
    int[] tokens = row.tokens();
    BitSet learnt = (BitSet) row.learnt().clone();
    doubled(line, tokens, row.doubledBos());
    learnt.clear(0); // nothing comes before it that could predict it
    if (learnt.isEmpty()) {
      (chat || row.promptLength() < tokens.length ? report.allMasked : report.emptied).add(line);
      return options.keepAll() ? Optional.of(new SftExample(line, tokens, learnt, chat ? -1 : row.promptLength())) : Optional.empty();
    }
    int prompt = options.trainOnPrompts() ? row.promptLength() : Math.min(row.promptLength(), learnt.nextSetBit(0));
    if (options.maxLength() > 0 && tokens.length > options.maxLength()) {
      int rest = tokens.length - prompt;
      int keptPrompt = keptPrompt(prompt, rest);
      int keptRest = Math.min(rest, options.maxLength() - keptPrompt);
      tokens = concat(cutPrompt(Arrays.copyOf(tokens, prompt), keptPrompt), Arrays.copyOfRange(tokens, prompt, prompt + keptRest));
      BitSet cut = new BitSet(tokens.length);
      int shift = prompt - keptPrompt;
      for (int i = learnt.nextSetBit(shift + 1); i >= 0 && i < prompt + keptRest; i = learnt.nextSetBit(i + 1)) {
        cut.set(i - shift);
      }
      if (keptPrompt < prompt) {
        report.truncatedPrompts.add(line);
      }
      if (learnt.length() > prompt + keptRest) {
        report.truncatedCompletions.add(line);
      }
      learnt = cut;
      prompt = keptPrompt;
    }
    report.keep(prompt, tokens.length, learnt.cardinality());
    return Optional.of(new SftExample(line, tokens, learnt, chat ? -1 : prompt));
  }

  Optional<Example> preference(int line, int[] prompt, int[] chosen, int[] rejected, boolean doubledBos) {
    doubled(line, prompt, doubledBos);
    if (chosen.length == 0 || rejected.length == 0) {
      report.emptied.add(line);
      report.fault();
      return options.keepAll() ? Optional.of(new PreferenceExample(line, prompt, chosen, rejected)) : Optional.empty();
    }
    int longer = Math.max(chosen.length, rejected.length);
    int[] keptPrompt = prompt;
    int[] keptChosen = chosen;
    int[] keptRejected = rejected;
    if (options.maxLength() > 0 && prompt.length + longer > options.maxLength()) {
      keptPrompt = cutPrompt(prompt, keptPrompt(prompt.length, longer));
      int room = options.maxLength() - keptPrompt.length;
      keptChosen = Arrays.copyOf(chosen, Math.min(chosen.length, room));
      keptRejected = Arrays.copyOf(rejected, Math.min(rejected.length, room));
      if (keptPrompt.length < prompt.length) {
        report.truncatedPrompts.add(line);
      }
      if (keptChosen.length < chosen.length || keptRejected.length < rejected.length) {
        report.truncatedCompletions.add(line);
      }
    }
    PreferenceExample pair = new PreferenceExample(line, keptPrompt, keptChosen, keptRejected);
    if (faults.found(pair, prompt, chosen, rejected) && !options.keepAll()) {
      return Optional.empty();
    }
    report.keep(keptPrompt.length, keptPrompt.length + keptChosen.length + keptRejected.length, keptChosen.length, keptRejected.length);
    return Optional.of(pair);
  }

  Optional<Example> labelled(int line, int[] prompt, int[] answer, boolean desirable, boolean doubledBos) {
    doubled(line, prompt, doubledBos);
    if (answer.length == 0) {
      report.emptied.add(line);
      report.fault();
      return options.keepAll() ? Optional.of(new LabelledExample(line, prompt, answer, desirable)) : Optional.empty();
    }
    int[] keptPrompt = prompt;
    int[] kept = answer;
    if (options.maxLength() > 0 && prompt.length + answer.length > options.maxLength()) {
      keptPrompt = cutPrompt(prompt, keptPrompt(prompt.length, answer.length));
      kept = Arrays.copyOf(answer, Math.min(answer.length, options.maxLength() - keptPrompt.length));
      if (keptPrompt.length < prompt.length) {
        report.truncatedPrompts.add(line);
      }
      if (kept.length < answer.length) {
        report.truncatedCompletions.add(line);
      }
    }
    LabelledExample example = new LabelledExample(line, keptPrompt, kept, desirable);
    if (faults.found(example, prompt, answer) && !options.keepAll()) {
      return Optional.empty();
    }
    report.keep(keptPrompt.length, keptPrompt.length + kept.length, kept.length);
    return Optional.of(example);
  }

  Example prompt(int line, int[] tokens, boolean doubledBos) {
    doubled(line, tokens, doubledBos);
    int[] kept = tokens;
    if (options.maxLength() > 0 && tokens.length > options.maxLength()) {
      kept = cutPrompt(tokens, options.maxLength());
      report.truncatedPrompts.add(line);
    }
    report.keep(kept.length, kept.length);
    return new PromptExample(line, kept);
  }

  private void doubled(int line, int[] tokens, boolean removed) {
    int bos = options.vocabulary().bosId();
    if (removed || bos != Vocabulary.NONE && tokens.length > 1 && tokens[0] == bos && tokens[1] == bos) {
      report.doubledBos.add(line);
    }
  }

  /** Prompt tokens that stay when a prompt and the tokens after it do not fit: the prompt gives way first, down to one token. */
  private int keptPrompt(int prompt, int rest) {
    return Math.min(prompt, Math.max(1, options.maxLength() - rest));
  }

  /** Cuts from the left, but keeps a BOS. */
  private int[] cutPrompt(int[] prompt, int length) {
    if (length >= prompt.length) {
      return prompt;
    }
    int[] kept = Arrays.copyOfRange(prompt, prompt.length - length, prompt.length);
    if (options.vocabulary().bosId() != Vocabulary.NONE && prompt[0] == options.vocabulary().bosId()) {
      kept[0] = prompt[0];
    }
    return kept;
  }

  private static int[] concat(int[] a, int[] b) {
    int[] all = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }
}
