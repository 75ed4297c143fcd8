package dev.graft.eval.synthetic;

import java.util.SplittableRandom;

/** Makes rows of one task. Stateless: any thread. */
public interface SyntheticTask {
  /** As the command line names it. */
  String name();

  /** Rows of train, eval, dev and test in the study. */
  int[] studySplits();

  /**
   * Makes a row.
   *
   * @param index of the row; labels are balanced over consecutive indices
   * @param random its only source of chance: the same state gives the same row
   */
  SyntheticRow make(int index, SplittableRandom random);
}
