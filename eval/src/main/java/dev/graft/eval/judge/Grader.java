package dev.graft.eval.judge;

/** Reads and scores answers. The same answer always gets the same verdict; any thread may ask. */
public interface Grader {
  /**
   * The gold answer of a row as {@code predictions.jsonl} has it: the spelling that labels are compared in.
   *
   * @return null when a row cannot have this gold answer
   */
  String gold(String text);

  /** Judges an answer. @param gold as {@link #gold} gave it */
  Verdict grade(String gold, String answer);
}
