package dev.graft.trainer.run;

/** The rows of one data file as training sees them: what each costs, and where it came from. Immutable. */
public interface RowSet {
  /** Rows in all. */
  int rows();

  /** Most tokens that one row needs computed at once. */
  int longest();

  /** Most tokens that any {@code count} rows may need computed together. */
  long mostTokens(int count);

  /** Most targets for each computed token that any row has. */
  double targetShare();

  /** Tokens of these rows, prompts included. */
  long tokens(int[] rows);

  /** Targets of these rows. */
  long targets(int[] rows);

  /** Lines of these rows in the file, ascending, each once. */
  int[] lines(int[] rows);
}
