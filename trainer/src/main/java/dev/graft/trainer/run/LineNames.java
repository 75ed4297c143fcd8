package dev.graft.trainer.run;

/** Lines of a file, for people. */
public final class LineNames {
  private static final int SHOWN = 8;

  private LineNames() {}

  /** "line 3" or "lines 3, 7, 9 and 4 more". */
  public static String of(int[] lines) {
    StringBuilder text = new StringBuilder(lines.length == 1 ? "line " : "lines ");
    int shown = Math.min(lines.length, SHOWN);
    for (int i = 0; i < shown; i++) {
      text.append(i == 0 ? "" : ", ").append(lines[i]);
    }
    return lines.length > shown ? text + " and " + (lines.length - shown) + " more" : text.toString();
  }
}
