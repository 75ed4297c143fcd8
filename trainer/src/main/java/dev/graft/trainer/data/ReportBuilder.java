package dev.graft.trainer.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Counts for a {@link DatasetReport}. */
final class ReportBuilder {
  private static final int NAMED_LINES = 5;

  final Counter truncatedPrompts = new Counter();
  final Counter truncatedCompletions = new Counter();
  final Counter emptied = new Counter();
  final Counter allMasked = new Counter();
  final Counter doubledBos = new Counter();
  final Counter identical = new Counter();
  final Counter equalled = new Counter();
  final Counter zeroMargin = new Counter();
  final Counter unended = new Counter();
  final Counter misplacedBos = new Counter();
  final Counter cutTexts = new Counter();
  private final Lengths prompts = new Lengths();
  private final Lengths completions = new Lengths();
  private int rows;
  private int kept;
  private int faulty;
  private int texts;
  private int windows;
  private long tokens;
  private long learnt;

  static final class Counter {
    private int count;
    private final List<Integer> first = new ArrayList<>();

    void add(int line) {
      count++;
      if (first.size() < NAMED_LINES) {
        first.add(line);
      }
    }

    DatasetReport.Lines lines() {
      return new DatasetReport.Lines(count, first);
    }
  }

  private static final class Lengths {
    private int[] values = new int[64];
    private int count;

    void add(int value) {
      if (count == values.length) {
        values = Arrays.copyOf(values, 2 * count);
      }
      values[count++] = value;
    }

    DatasetReport.Quantiles quantiles() {
      int[] sorted = Arrays.copyOf(values, count);
      Arrays.sort(sorted);
      return DatasetReport.Quantiles.of(sorted);
    }
  }

  void row() {
    rows++;
  }

  /** A preference that has a fault, whichever. */
  void fault() {
    faulty++;
  }

  int rows() {
    return rows;
  }

  int kept() {
    return kept;
  }

  /** A row that is used; answers are the numbers of targets, one or two. */
  void keep(int promptTokens, int allTokens, int... answers) {
    kept++;
    tokens += allTokens;
    prompts.add(promptTokens);
    for (int answer : answers) {
      completions.add(answer);
      learnt += answer;
    }
  }

  /** A row of plain text that is used; windows are its examples, all of whose tokens but the first are targets, or fewer. */
  void keepText(List<SftExample> examples) {
    kept++;
    texts++;
    for (SftExample window : examples) {
      windows++;
      tokens += window.length();
      learnt += window.targets();
      completions.add(window.targets());
    }
  }

  /** What is wrong with the preferences, in one sentence; empty when nothing is. */
  String faults() {
    return build(0, "").faults();
  }

  DatasetReport build(int maxLength, String sha256) {
    return new DatasetReport(
        rows, kept, tokens, learnt, maxLength, prompts.quantiles(), completions.quantiles(), truncatedPrompts.lines(),
        truncatedCompletions.lines(), emptied.lines(), allMasked.lines(), doubledBos.lines(),
        new DatasetReport.Pairs(faulty, identical.lines(), equalled.lines(), zeroMargin.lines(), unended.lines(), misplacedBos.lines()),
        new DatasetReport.Windows(texts, windows, cutTexts.lines()), sha256);
  }
}
