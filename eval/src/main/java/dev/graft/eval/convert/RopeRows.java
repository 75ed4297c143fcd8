package dev.graft.eval.convert;

/**
 * The order of the rows of q and k. RoPE turns pairs of a head's dimensions; Hugging Face pairs i with i + D/2, llama.cpp's
 * {@code llama} graph pairs 2i with 2i + 1 (qwen2 and qwen3 are as Hugging Face). So row i + s·D/2 of a head there is row 2i + s here.
 *
 * @param headWidth D, even; 0 when rows stay where they are
 */
public record RopeRows(int headWidth) {
  /** Rows as they are. */
  public static final RopeRows SAME = new RopeRows(0);

  /** Of one of a block's matrices. */
  public static RopeRows of(String architecture, Linear linear, int headWidth) {
    boolean turned = architecture.equals("llama") && (linear == Linear.QUERY || linear == Linear.KEY);
    return turned ? new RopeRows(headWidth) : SAME;
  }

  /** Whether nothing moves. */
  public boolean same() {
    return headWidth == 0;
  }

  /** Where GGUF's row stands in Hugging Face's order. */
  public long huggingFaceRow(long row) {
    if (headWidth == 0) {
      return row;
    }
    long inHead = row % headWidth;
    return row - inHead + inHead / 2 + (inHead % 2) * (headWidth / 2);
  }

  /**
   * Rows of Hugging Face's order in GGUF's, or back.
   *
   * @param rows whole heads, each row {@code rowBytes} bytes
   * @param back from GGUF's order to Hugging Face's
   */
  public byte[] move(byte[] rows, int rowBytes, boolean back) {
    if (headWidth == 0) {
      return rows;
    }
    byte[] moved = new byte[rows.length];
    for (int row = 0; row < rows.length / rowBytes; row++) {
      int there = (int) huggingFaceRow(row);
      System.arraycopy(rows, (back ? row : there) * rowBytes, moved, (back ? there : row) * rowBytes, rowBytes);
    }
    return moved;
  }
}
