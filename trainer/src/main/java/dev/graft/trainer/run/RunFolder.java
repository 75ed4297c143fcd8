package dev.graft.trainer.run;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/**
 * The output folder of one run, locked against a second run for as long as this is open; gone again when it was made here and nothing
 * came into it. Holds {@code adapter.gguf} (or {@code model.gguf}, when all weights are trained), {@code metrics.jsonl}, {@code
 * config.json}, {@code checkpoints/step-N/} and, with evaluations, {@code best/adapter.gguf}.
 */
public final class RunFolder implements AutoCloseable {
  private static final List<String> RESULTS = List.of(Trained.Lora.FILE, Trained.AllWeights.FILE);

  private final Path root;
  private final FileChannel channel;
  private final boolean made;

  private RunFolder(Path root, FileChannel channel, boolean made) {
    this.root = root;
    this.channel = channel;
    this.made = made;
  }

  /** Makes the folder when missing and locks it. @throws RunException when that cannot be, or another run has it */
  public static RunFolder open(Path root) {
    FileChannel channel = null;
    try {
      boolean made = !Files.exists(root);
      Files.createDirectories(root);
      channel = FileChannel.open(lock(root), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      FileLock lock = channel.tryLock();
      if (lock == null || !Files.exists(lock(root))) { // gone: that of a run which failed at its start just now
        throw inUse(root, channel);
      }
      channel.truncate(0).write(ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)));
      return new RunFolder(root, channel, made);
    } catch (OverlappingFileLockException e) {
      throw inUse(root, channel);
    } catch (FileAlreadyExistsException e) {
      throw RunException.failed("--output " + root + ": is a file, not a folder; choose another path", e);
    } catch (IOException e) {
      closeQuietly(channel);
      throw RunException.failed("--output " + root + ": cannot write there: " + SafeFiles.reason(e) + "; choose a folder that can be written", e);
    }
  }

  private static Path lock(Path root) {
    return root.resolve(".lock");
  }

  private static RunException inUse(Path root, FileChannel channel) {
    String holder = "";
    try {
      ByteBuffer pid = ByteBuffer.allocate(20);
      int n = channel.read(pid, 0);
      holder = n > 0 ? " (process " + new String(pid.array(), 0, n, StandardCharsets.US_ASCII) + ")" : "";
    } catch (IOException e) {
      holder = "";
    } finally {
      closeQuietly(channel);
    }
    return RunException.failed("--output " + root + ": another run is using this folder" + holder + "; wait for it, stop it, or choose another folder", null);
  }

  private static void closeQuietly(FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      return; // nothing was written through it
    }
  }

  /** The folder. */
  public Path root() {
    return root;
  }

  /** What the run has made. @param file its name */
  public Path result(String file) {
    return root.resolve(file);
  }

  /** That with the lowest evaluation loss so far. */
  public Path best(String file) {
    return root.resolve("best").resolve(file);
  }

  /** One JSON line for each step and evaluation. */
  public Path metrics() {
    return root.resolve("metrics.jsonl");
  }

  /** Everything resolved. */
  public Path config() {
    return root.resolve("config.json");
  }

  /** Holds step-N folders. */
  public Path checkpoints() {
    return root.resolve("checkpoints");
  }

  /** True when a run has left anything here. */
  public boolean hasRun() {
    return Files.exists(metrics()) || Files.exists(config()) || RESULTS.stream().anyMatch(file -> Files.exists(result(file))) || Files.exists(checkpoints());
  }

  /** Removes what a run has left; other files stay. */
  public void clear() {
    try {
      SafeFiles.deleteTree(checkpoints());
      SafeFiles.deleteTree(root.resolve("best"));
      for (String file : RESULTS) {
        Files.deleteIfExists(result(file));
      }
      Files.deleteIfExists(metrics());
      Files.deleteIfExists(config());
    } catch (IOException e) {
      throw RunException.failed(root + ": the old run cannot be removed: " + SafeFiles.reason(e), e);
    }
  }

  /**
   * Unlocks. The lock's file stays, since deleting it could let two runs lock two files of one name; but with a folder that was made here
   * and holds nothing else it goes, while still locked, and who has opened it already finds it gone.
   */
  @Override
  public void close() {
    if (made) {
      removeUnlessUsed();
    }
    closeQuietly(channel);
  }

  private void removeUnlessUsed() {
    try (Stream<Path> entries = Files.list(root)) {
      if (entries.allMatch(lock(root)::equals)) {
        Files.delete(lock(root));
        Files.delete(root);
      }
    } catch (IOException e) {
      return; // an empty folder is left, as it may be
    }
  }
}
