package dev.graft.eval.grade;

import dev.graft.eval.grade.likert.Grading;

/** Hears how grading goes and says nothing. */
final class Silent {
  static final Grading.Listener LISTENER = new Grading.Listener() {
    @Override
    public void note(String text) {
      return; // nobody reads
    }

    @Override
    public void progress(int done, int count) {
      return; // nobody looks
    }
  };

  private Silent() {}
}
