package dev.graft.bindings;

/** How a key/value cache stores its numbers. */
public enum CacheType {
  /** As computed. */
  F32(0, 1, 4),
  /** Half the memory; rounding 2^-11. */
  F16(1, 1, 2),
  /** A little over a quarter; 8 bits a number, a scale for each 32; heads a multiple of 32 wide. */
  Q8_0(8, 32, 34);

  private final int number;
  private final int blockElements;
  private final int blockBytes;

  CacheType(int number, int blockElements, int blockBytes) {
    this.number = number;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Bytes of a token's keys and values in all layers of a model. */
  public long bytesPerToken(ModelInfo model) {
    return 2L * model.layers() * model.kvHeads() * model.headWidth() / blockElements * blockBytes;
  }

  int number() {
    return number;
  }
}
