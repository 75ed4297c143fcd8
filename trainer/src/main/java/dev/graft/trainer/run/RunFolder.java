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

/**
 * The output folder of one run, locked against a second run for as long as this is open. Holds {@code adapter.gguf} (or {@code
 * model.gguf}, when all weights are trained), {@code metrics.jsonl}, {@code config.json}, {@code checkpoints/step-N/} and, with
 * evaluations, {@code best/adapter.gguf}.
 */
public final class RunFolder implements AutoCloseable {
  private static final List<String> RESULTS = List.of(Trained.Lora.FILE, Trained.AllWeights.FILE);

  private final Path root;
  private final FileChannel channel;

  private RunFolder(Path root, FileChannel channel) {
    this.root = root;
    this.channel = channel;
  }

  /** Makes the folder when missing and locks it. @throws RunException when that cannot be, or another run has it */
  public static RunFolder open(Path root) {
    FileChannel channel = null;
    try {
      Files.createDirectories(root);
      channel = FileChannel.open(root.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      FileLock lock = channel.tryLock();
      if (lock == null) {
        throw inUse(root, channel);
      }
      channel.truncate(0).write(ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)));
      return new RunFolder(root, channel);
    } catch (OverlappingFileLockException e) {
      throw inUse(root, channel);
    } catch (FileAlreadyExistsException e) {
      throw RunException.failed("--output " + root + ": is a file, not a folder; choose another path", e);
    } catch (IOException e) {
      closeQuietly(channel);
      throw RunException.failed("--output " + root + ": cannot write there: " + SafeFiles.reason(e) + "; choose a folder that can be written", e);
    }
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

  /** Unlocks. The lock's file stays: deleting it could let two runs lock two files of one name. */
  @Override
  public void close() {
    closeQuietly(channel);
  }
}
