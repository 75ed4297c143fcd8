package dev.graft.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafeFilesTest {
  @TempDir Path folder;

  @Test
  void replacesAndLeavesNothingElse() throws IOException {
    Path file = folder.resolve("a.json");
    SafeFiles.writeText(file, "one");
    SafeFiles.writeText(file, "two");
    assertThat(file).hasContent("two");
    assertThat(folder).isDirectoryContaining(path -> path.equals(file));
    try (var entries = Files.list(folder)) {
      assertThat(entries).containsExactly(file);
    }
  }

  @Test
  void aFailureLeavesTheOldFile() throws IOException {
    Path target = Files.createDirectories(folder.resolve("target/inner"));
    assertThatThrownBy(() -> SafeFiles.writeText(target.getParent(), "text")).isInstanceOf(IOException.class);
    assertThat(target).exists();
  }

  @Test
  void hashIsSha256() throws IOException {
    Path file = Files.writeString(folder.resolve("abc"), "abc");
    assertThat(FileHash.start(file).get()).isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
}
