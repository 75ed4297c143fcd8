package dev.graft.eval.judge;

import dev.graft.trainer.run.RunException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Who answers.
 *
 * @param name as predictions have it
 * @param adapter its file, or null for the bare base
 */
public record EvalSystem(String name, Path adapter) {
  /** Name of the bare base. */
  public static final String BASE = "base";

  /**
   * The systems that flags ask for.
   *
   * @param adapters each {@code NAME=FILE} or {@code FILE}  @param base whether the bare base answers too, first
   * @throws RunException (usage) when there is none, or a name is empty or comes twice
   */
  public static List<EvalSystem> of(List<String> adapters, boolean base) {
    List<EvalSystem> systems = new ArrayList<>();
    if (base) {
      systems.add(new EvalSystem(BASE, null));
    }
    for (String flag : adapters) {
      int equals = Files.exists(Path.of(flag)) ? -1 : flag.indexOf('=');
      Path file = Path.of(flag.substring(equals + 1));
      String name = equals < 0 ? nameOf(file) : flag.substring(0, equals).strip();
      if (name.isEmpty() || file.toString().isEmpty()) {
        throw RunException.usage("--adapter " + flag + ": give NAME=FILE, or FILE");
      } else if (systems.stream().anyMatch(system -> system.name().equals(name))) {
        throw RunException.usage("--adapter " + flag + ": the name '" + name + "' is taken; give another with --adapter NAME=FILE");
      }
      systems.add(new EvalSystem(name, file));
    }
    if (systems.isEmpty()) {
      throw RunException.usage("--no-base leaves nothing to judge; give an --adapter");
    }
    return List.copyOf(systems);
  }

  /** {@code run/adapter.gguf} is "run", {@code run/best/adapter.gguf} "run/best", {@code run/checkpoints/step-8/adapter.gguf} "run/step-8", {@code uti.gguf} "uti". */
  static String nameOf(Path file) {
    Path absolute = file.toAbsolutePath().normalize();
    String stem = absolute.getFileName() == null ? "" : absolute.getFileName().toString().replaceFirst("\\.gguf$", "");
    Path folder = absolute.getParent();
    if (!stem.equals("adapter") || folder == null || folder.getFileName() == null) {
      return stem;
    }
    String name = folder.getFileName().toString();
    Path run = folder.getParent();
    if (run != null && name.matches("step-\\d+") && run.endsWith("checkpoints")) {
      run = run.getParent();
    } else if (!name.equals("best")) {
      return name;
    }
    return run == null || run.getFileName() == null ? name : run.getFileName() + "/" + name;
  }
}
