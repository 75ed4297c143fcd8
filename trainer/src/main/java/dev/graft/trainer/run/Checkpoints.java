package dev.graft.trainer.run;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.bindings.GraftException;
import dev.graft.bindings.TrainingSession;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The folder {@code checkpoints/}: writes {@code step-N/} whole or not at all, finds the newest, deletes old ones. A {@code step-N/} in
 * which a file is missing (a copy that broke off, say) is no checkpoint. One thread.
 */
final class Checkpoints {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern NAME = Pattern.compile("step-(\\d{1,15})");
  private static final String NATIVE = "trainer.state";
  private static final String STATE = "state.json";

  private final Path folder;

  Checkpoints(Path folder) {
    this.folder = folder;
  }

  /** A checkpoint on disk. */
  record Saved(Path path, long step) {}

  /** Writes step-N and returns its path; then keeps only the newest {@code keep} (0: all). */
  Path save(TrainState state, TrainingSession session, Trained trained, int keep) {
    Path target = folder.resolve("step-" + state.step());
    Path temporary = folder.resolve(".tmp-step-" + state.step());
    try {
      removeTemporary();
      Files.createDirectories(temporary);
      session.save(temporary.resolve(NATIVE));
      trained.save(temporary.resolve(trained.file()));
      SafeFiles.writeText(temporary.resolve(STATE), JSON.writeValueAsString(state) + "\n");
      SafeFiles.syncFolder(temporary);
      SafeFiles.deleteTree(target); // only ever an equal one: a resumed run at the step it began from
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      SafeFiles.syncFolder(folder);
      prune(keep);
      return target;
    } catch (IOException | GraftException e) {
      String reason = e instanceof IOException io ? SafeFiles.reason(io) : e.getMessage();
      discard(temporary);
      throw RunException.failed(target + ": the checkpoint cannot be saved: " + reason + "; " + lastGood() + "; make room, then go on with --resume", e);
    }
  }

  /** "the last good checkpoint is ..." or "there is no checkpoint yet". */
  String lastGood() {
    return newest().map(saved -> "the last good checkpoint is " + saved.path()).orElse("there is no checkpoint yet");
  }

  /** The newest whole one. */
  Optional<Saved> newest() {
    List<Saved> all = all();
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /**
   * The newest whole one, to go on from.
   *
   * @param note told of newer ones that are not whole
   * @throws RunException when there are only such: starting anew would delete them
   */
  Optional<Saved> resumable(Consumer<String> note) {
    Optional<Saved> newest = newest();
    for (Saved saved : folders()) {
      String missing = missing(saved);
      if (missing != null && newest.isEmpty()) {
        throw damaged(saved, missing + " is missing, and there is no whole checkpoint", null);
      } else if (missing != null && saved.step() > newest.get().step()) {
        note.accept(saved.path() + ": " + missing + " is missing there; going back to " + newest.get().path());
      }
    }
    return newest;
  }

  /** Whole ones, oldest first. */
  List<Saved> all() {
    return folders().stream().filter(saved -> missing(saved) == null).toList();
  }

  /** The first file that resuming would lack, or null when the checkpoint is whole. */
  private static String missing(Saved saved) {
    return Stream.of(NATIVE, STATE).filter(file -> !Files.isRegularFile(saved.path().resolve(file))).findFirst().orElse(null);
  }

  private List<Saved> folders() {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .map(path -> {
            Matcher name = NAME.matcher(path.getFileName().toString());
            return name.matches() ? new Saved(path, Long.parseLong(name.group(1))) : null;
          })
          .filter(saved -> saved != null)
          .sorted(Comparator.comparingLong(Saved::step))
          .toList();
    } catch (IOException e) {
      throw RunException.failed(folder + ": cannot be read: " + SafeFiles.reason(e), e);
    }
  }

  /** Reads the part of a checkpoint that is ours. */
  TrainState state(Saved saved) {
    try {
      TrainState state = JSON.readValue(saved.path().resolve(STATE).toFile(), TrainState.class);
      if (state.step() != saved.step()) {
        throw damaged(saved, STATE + " is of step " + state.step(), null);
      }
      return state;
    } catch (IOException e) {
      throw damaged(saved, STATE + " cannot be read", e);
    }
  }

  /** Puts the native part back into a session. */
  void load(Saved saved, TrainingSession session) {
    try {
      session.load(saved.path().resolve(NATIVE));
    } catch (GraftException e) {
      throw damaged(saved, e.getMessage(), e);
    }
  }

  private RunException damaged(Saved saved, String what, Throwable cause) {
    return RunException.badData(saved.path() + ": damaged checkpoint: " + what + "; delete that folder to resume from the one before it, or to start anew", cause);
  }

  private void prune(int keep) throws IOException {
    List<Saved> all = all();
    for (int i = 0; keep > 0 && i < all.size() - keep; i++) {
      SafeFiles.deleteTree(all.get(i).path());
    }
  }

  private void removeTemporary() throws IOException {
    if (Files.isDirectory(folder)) {
      try (Stream<Path> entries = Files.list(folder)) {
        for (Path path : entries.filter(p -> p.getFileName().toString().startsWith(".tmp-")).toList()) {
          SafeFiles.deleteTree(path);
        }
      }
    }
  }

  private static void discard(Path temporary) {
    try {
      SafeFiles.deleteTree(temporary);
    } catch (IOException e) {
      return; // the failure that brought us here is the one to tell
    }
  }
}
