package dev.graft.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFolderTest {
  @TempDir Path folder;

  @Test
  void aSecondRunIsRefusedUntilTheFirstIsDone() {
    Path root = folder.resolve("a/b");
    try (RunFolder first = RunFolder.open(root)) {
      assertThat(first.hasRun()).isFalse();
      assertThatThrownBy(() -> RunFolder.open(root)).isInstanceOf(RunException.class).hasMessageContaining("another run is using this folder");
    }
    RunFolder.open(root).close();
  }

  /** A first start that fails leaves nothing, but takes nothing away that was there. */
  @Test
  void anUnusedFolderGoesAgain() throws IOException {
    Path root = folder.resolve("new");
    RunFolder.open(root).close();
    assertThat(root).doesNotExist();
    try (RunFolder run = RunFolder.open(root)) {
      Files.writeString(run.metrics(), "");
    }
    assertThat(root.resolve("metrics.jsonl")).exists();
    Path own = Files.createDirectory(folder.resolve("own"));
    RunFolder.open(own).close();
    assertThat(own).exists();
  }

  @Test
  void aFileIsNoFolder() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    assertThatThrownBy(() -> RunFolder.open(file)).isInstanceOf(RunException.class).hasMessageContaining("not a folder");
  }

  @Test
  void aPlaceThatCannotBeWrittenIsOneLine() {
    assertThatThrownBy(() -> RunFolder.open(Path.of("/proc/nowhere/run"))).isInstanceOf(RunException.class).hasMessageContaining("/proc/nowhere/run")
        .hasMessageNotContaining("\n");
  }

  @Test
  void clearingLeavesWhatIsNotOurs() throws IOException {
    try (RunFolder run = RunFolder.open(folder)) {
      Files.createDirectories(run.checkpoints().resolve("step-3"));
      Files.writeString(run.checkpoints().resolve("step-3/state.json"), "{}");
      Files.writeString(run.metrics(), "");
      Files.writeString(folder.resolve("notes.txt"), "mine");
      assertThat(run.hasRun()).isTrue();
      run.clear();
      assertThat(run.hasRun()).isFalse();
      assertThat(folder.resolve("notes.txt")).exists();
    }
  }
}
