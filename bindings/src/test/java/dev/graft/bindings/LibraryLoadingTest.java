package dev.graft.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A library that is missing or is no library gives one line, in a JVM of its own since a JVM loads it once. */
class LibraryLoadingTest {
  @TempDir Path folder;

  /** What the child runs: opens twice, and prints both messages. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) {
      for (int i = 0; i < 2; i++) {
        try {
          System.out.println(GraftRuntime.nativeVersion());
        } catch (NativeFailureException e) {
          System.out.println(e.getMessage());
        }
      }
    }
  }

  @Test
  void missingAndBroken() throws Exception {
    Path text = Files.writeString(folder.resolve("libgraft.so"), "no library");
    for (String path : List.of(folder.resolve("absent").toString(), text.toString(), folder.toString())) {
      List<String> lines = run(path);
      assertThat(lines).hasSize(2);
      assertThat(lines.get(0)).startsWith("cannot load Graft's native library").contains("graft.library.path").isEqualTo(lines.get(1));
    }
  }

  @Test
  void emptyPropertyMeansOurOwn() throws Exception {
    assertThat(run("")).containsExactly("0.1.0", "0.1.0");
  }

  private static List<String> run(String library) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1", "-Xshare:auto",
        "-D" + GraftLibrary.PATH_PROPERTY + "=" + library, "-cp", System.getProperty("java.class.path"), Child.class.getName())
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
    List<String> lines = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8).lines().toList();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return lines;
  }
}
