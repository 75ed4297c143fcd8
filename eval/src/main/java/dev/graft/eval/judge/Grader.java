package dev.graft.eval.judge;

/** Reads and scores answers. The same answer to the same row always gets the same verdict; any thread may ask. */
public interface Grader {
  /**
   * The gold answer of a row as {@code predictions.jsonl} has it: the spelling that labels are compared in.
   *
   * @return null when a row cannot have this gold answer
   */
  String gold(String text);

  /** Judges an answer. @param row with the gold answer as {@link #gold} gave it  @param answer the part of it that is judged */
  Verdict grade(TestRow row, String answer);

  /** Whether it is asked only when all answers are there and the model that gave them is closed: a judge that needs its memory, or time. */
  default boolean afterwards() {
    return false;
  }
}
