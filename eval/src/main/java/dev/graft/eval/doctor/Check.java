package dev.graft.eval.doctor;

/**
 * One thing that was looked at.
 *
 * @param name of it
 * @param state whether it is as it should be
 * @param detail what was found
 * @param fix what to do about it; null where nothing is to be done
 */
public record Check(String name, State state, String detail, String fix) {
  /** How a thing is. */
  public enum State {
    /** As it should be. */
    OK,
    /** Graft works, but slower or without a part of what it can do. */
    NOTE,
    /** Graft does not work. */
    FAILED
  }

  static Check ok(String name, String detail) {
    return new Check(name, State.OK, detail, null);
  }

  static Check note(String name, String detail, String fix) {
    return new Check(name, State.NOTE, detail, fix);
  }

  static Check failed(String name, String detail, String fix) {
    return new Check(name, State.FAILED, detail, fix);
  }
}
