package dev.graft.trainer.data;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * What was counted while a data file was read.
 *
 * @param rows rows in the file
 * @param kept rows that became examples with something to learn (or prompts)
 * @param tokens tokens of the kept rows; of a pair, the prompt once and both answers
 * @param learnt targets of the kept rows
 * @param maxLength limit on one sequence, 0 for none
 * @param prompts lengths of the kept prompts, in tokens
 * @param completions numbers of targets of the kept answers
 * @param truncatedPrompts rows whose prompt was cut from the left
 * @param truncatedCompletions rows whose answer was cut from the right
 * @param emptied rows that truncation or an empty answer left without an answer; dropped
 * @param allMasked rows in which nothing is learnt, such as chats without an assistant's turn; dropped
 * @param doubledBos rows with a second BOS; that of a text was removed, that of ids stays
 * @param pairs what is wrong with preferences
 * @param windows what rows of plain text became
 * @param sha256 of the file, in hexadecimal
 */
public record DatasetReport(
    int rows,
    int kept,
    long tokens,
    long learnt,
    int maxLength,
    Quantiles prompts,
    Quantiles completions,
    Lines truncatedPrompts,
    Lines truncatedCompletions,
    Lines emptied,
    Lines allMasked,
    Lines doubledBos,
    Pairs pairs,
    Windows windows,
    String sha256) {

  /**
   * What rows of plain text became; every token of them is learnt.
   *
   * @param texts kept rows of plain text
   * @param count their windows: examples of at most the length limit
   * @param cut rows that were cut into several
   */
  public record Windows(int texts, int count, Lines cut) {}

  /**
   * What is wrong with preferences; such rows are dropped, but for those of {@code unended}.
   *
   * @param faulty rows with any fault, emptied ones included
   * @param identical pairs whose answers are the same tokens
   * @param equalled pairs whose answers truncation made the same
   * @param zeroMargin pairs that differ in white space only, or that stand the other way round on an earlier line
   * @param unended ids none of whose answers ends with an end token: used as given, no fault
   * @param misplacedBos the prompt has a doubled BOS in its ids, or both answers begin with BOS
   */
  public record Pairs(int faulty, Lines identical, Lines equalled, Lines zeroMargin, Lines unended, Lines misplacedBos) {}

  /**
   * Rows of which something is true.
   *
   * @param count how many
   * @param first the lines of the first few, from 1
   */
  public record Lines(int count, List<Integer> first) {
    /** Copies the list. */
    public Lines {
      first = List.copyOf(first);
    }

    String text() {
      StringBuilder text = new StringBuilder();
      for (int line : first) {
        text.append(text.length() == 0 ? (count == 1 ? "line " : "lines ") : ", ").append(line);
      }
      return count > first.size() ? text + ", ..." : text.toString();
    }
  }

  /** Spread of lengths in tokens; all 0 when there are none. */
  public record Quantiles(int min, int median, int p90, int p99, int max) {
    static Quantiles of(int[] sorted) {
      return sorted.length == 0
          ? new Quantiles(0, 0, 0, 0, 0)
          : new Quantiles(sorted[0], at(sorted, 0.5), at(sorted, 0.9), at(sorted, 0.99), sorted[sorted.length - 1]);
    }

    /** Nearest rank: the smallest value that at least q of all do not exceed. */
    private static int at(int[] sorted, double q) {
      return sorted[Math.max(0, (int) Math.ceil(q * sorted.length) - 1)];
    }
  }

  /** What a user must know before training: one sentence for each thing that was dropped, cut or odd. */
  public List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    warn(warnings, truncatedPrompts, "prompts cut from the left to fit " + maxLength + " tokens");
    warn(warnings, truncatedCompletions, "completions cut from the right to fit " + maxLength + " tokens (their end is not learnt)");
    warn(warnings, emptied, "rows without an answer (not trained on)");
    warn(warnings, allMasked, "rows with nothing to learn (not trained on)");
    warn(warnings, doubledBos, "rows with a doubled BOS (in text one was removed, ids were left)");
    warn(warnings, pairs.identical, "pairs whose chosen and rejected are the same tokens (not trained on)");
    warn(warnings, pairs.equalled, "pairs whose chosen and rejected truncation made the same (not trained on; a higher --max-length would keep them)");
    warn(warnings, pairs.zeroMargin, "pairs whose answers differ in white space only, or that an earlier line contradicts (not trained on)");
    warn(warnings, pairs.unended, "preferences in ids none of whose answers ends with an end token such as EOS (trained on as given)");
    warn(warnings, pairs.misplacedBos, "preferences whose ids double the BOS, or whose answers begin with it (not trained on)");
    return warnings;
  }

  /** What is wrong with the preferences, in one sentence; empty when nothing is. */
  public String faults() {
    List<String> faults = new ArrayList<>();
    warn(faults, pairs.identical, "identical answers");
    warn(faults, pairs.equalled, "answers made equal by truncation");
    warn(faults, emptied, "an empty answer");
    warn(faults, pairs.zeroMargin, "no margin (white space only, or the reverse of an earlier line)");
    warn(faults, pairs.misplacedBos, "a doubled BOS, or answers that begin with it");
    return String.join("; ", faults);
  }

  private static void warn(List<String> warnings, Lines lines, String what) {
    if (lines.count() > 0) {
      warnings.add(what + ": " + lines.count() + ", " + lines.text());
    }
  }

  /** The report for people, a line each. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(rows + " rows, " + kept + " used; " + tokens + " tokens, " + learnt + " of them learnt");
    lines.add("prompt tokens: " + text(prompts));
    lines.add("completion tokens: " + text(completions));
    if (windows.texts > 0) {
      String cut = windows.cut.count() == 0 ? "" : "; longer than " + maxLength + " tokens and cut into consecutive windows: " + windows.cut.count() + ", " + windows.cut.text();
      lines.add("rows of text " + windows.texts + ", learnt whole in windows: " + windows.count + cut);
    }
    lines.add("truncated prompts " + truncatedPrompts.count() + ", truncated completions " + truncatedCompletions.count() + ", emptied " + emptied.count()
        + ", all masked " + allMasked.count() + ", doubled BOS " + doubledBos.count() + ", identical pairs " + pairs.identical.count()
        + ", faulty preferences " + pairs.faulty);
    lines.addAll(warnings());
    return lines;
  }

  private static String text(Quantiles q) {
    return "min " + q.min + ", median " + q.median + ", 90% " + q.p90 + ", 99% " + q.p99 + ", max " + q.max;
  }

  /** The report for programs, in snake_case. */
  public ObjectNode toJson() {
    ObjectNode node = JsonNodeFactory.instance.objectNode();
    node.put("rows", rows).put("kept", kept).put("tokens", tokens).put("learnt_tokens", learnt).put("max_length", maxLength);
    put(node.putObject("prompt_tokens"), prompts);
    put(node.putObject("completion_tokens"), completions);
    put(node.putObject("truncated_prompts"), truncatedPrompts);
    put(node.putObject("truncated_completions"), truncatedCompletions);
    put(node.putObject("emptied"), emptied);
    put(node.putObject("all_masked"), allMasked);
    put(node.putObject("doubled_bos"), doubledBos);
    put(node.putObject("identical_pairs"), pairs.identical);
    put(node.putObject("pairs_equal_after_truncation"), pairs.equalled);
    put(node.putObject("zero_margin_pairs"), pairs.zeroMargin);
    put(node.putObject("preferences_without_end"), pairs.unended);
    put(node.putObject("preferences_with_misplaced_bos"), pairs.misplacedBos);
    node.put("faulty_preferences", pairs.faulty);
    node.put("texts", windows.texts).put("text_windows", windows.count);
    put(node.putObject("cut_texts"), windows.cut);
    return node.put("sha256", sha256);
  }

  private static void put(ObjectNode node, Quantiles q) {
    node.put("min", q.min).put("median", q.median).put("p90", q.p90).put("p99", q.p99).put("max", q.max);
  }

  private static void put(ObjectNode node, Lines lines) {
    node.put("count", lines.count());
    var array = node.putArray("lines");
    lines.first().forEach(array::add);
  }
}
