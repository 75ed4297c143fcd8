package dev.graft.eval.quickstart;

import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The small base model that Graft carries, pretrained on synthetic clinical text; demo-base.md beside it is its card. Stateless. */
public final class DemoBase {
  private static final String RESOURCE = "/dev/graft/eval/demo/demo-base.gguf";

  private DemoBase() {}

  /** Writes it, whole or not at all. @throws IOException when that cannot be */
  public static void write(Path path) throws IOException {
    Path temporary = SafeFiles.temporaryFor(path);
    try (InputStream in = DemoBase.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IOException("this build of Graft carries no demo base");
      }
      Files.copy(in, temporary, StandardCopyOption.REPLACE_EXISTING);
      SafeFiles.moveIntoPlace(temporary, path);
    }
  }
}
