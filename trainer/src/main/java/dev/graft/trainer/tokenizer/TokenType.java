package dev.graft.trainer.tokenizer;

/** What a token is, by {@code tokenizer.ggml.token_type}. */
enum TokenType {
  UNDEFINED,
  NORMAL,
  UNKNOWN,
  CONTROL,
  USER_DEFINED,
  UNUSED,
  BYTE;

  private static final TokenType[] VALUES = values();

  static TokenType of(int code) {
    return code >= 0 && code < VALUES.length ? VALUES[code] : UNDEFINED;
  }

  /** Left out of decoded text unless asked for. */
  boolean special() {
    return this == CONTROL || this == UNKNOWN;
  }
}
