package dev.graft.trainer.data;

/** One row of a data file as token ids, ready to be packed. */
public sealed interface Example permits SftExample, PreferenceExample, LabelledExample, PromptExample {

  /** Line of the file that the row came from, from 1. */
  int line();

  /** Most tokens that one sequence of this row has: for a pair, prompt and the longer answer. */
  int length();
}
