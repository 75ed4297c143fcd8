package dev.graft.eval.synthetic.corpus;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What a corpus is mixed of. */
public enum CorpusMix {
  /** Notes, messages, a handbook, and what can be asked of them. */
  CORPUS,
  /** Mostly notes with many questions each: for a model that knows the language already, to learn to read. */
  READING,
  /** Lists to be read back: from these a small model learns to copy, which notes alone teach late. */
  DRILLS,
  /** As reading, and as often the same in other words: whether an organ has symptoms now, behind an introduction. */
  ASKING;

  /** As the command line names it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Where its random numbers come from. Asking goes on where reading is, so it is to have another seed. */
  String stream() {
    return (this == ASKING ? READING : this).label();
  }

  /** Names of all. */
  public static List<String> names() {
    return Arrays.stream(values()).map(CorpusMix::label).toList();
  }

  /** The mix of that name. */
  public static Optional<CorpusMix> named(String name) {
    return Arrays.stream(values()).filter(mix -> mix.label().equals(name)).findFirst();
  }
}
