package dev.graft.eval.cli;

/** The version of this build, as in the POM (a test compares them). */
public final class GraftVersion {
  /** Semantic version of the Java side. */
  public static final String VERSION = "0.1.0";

  private GraftVersion() {}
}
