package dev.graft.trainer.llama;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The command that starts a {@link LlamaWorker}: this Java, and of the class path only what it needs. */
final class WorkerCommand {
  /** The OpenMP standard's variable, and GNU's, which overrules it; what the user sets stays. */
  private static final String WAIT_POLICY = "OMP_WAIT_POLICY";
  private static final String SPIN_COUNT = "GOMP_SPINCOUNT";

  private WorkerCommand() {}

  static ProcessBuilder builder() throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-CreateCoredumpOnCrash"));
    command.addAll(List.of("-XX:ErrorFile=" + (File.separatorChar == '/' ? "/dev/null" : "NUL"), "-Djava.awt.headless=true"));
    if (Runtime.version().feature() >= 22) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    LlamaLibrary.folder().ifPresent(folder -> command.add("-Dde.kherud.llama.lib.path=" + folder));
    command.addAll(List.of("-cp", classPath(), LlamaWorker.class.getName()));
    ProcessBuilder builder = new ProcessBuilder(command).directory(new File(System.getProperty("java.io.tmpdir")));
    waitAsleep(builder.environment());
    return builder;
  }

  /** By themselves OpenMP's threads wait for each other in a busy loop, after every operation, and so keep each other from a core that anything else uses too. */
  static void waitAsleep(Map<String, String> environment) {
    if (!environment.containsKey(SPIN_COUNT)) {
      environment.putIfAbsent(WAIT_POLICY, "passive");
    }
  }

  /** How its threads wait for each other, as the variable of the environment says. */
  static String waiting() {
    Map<String, String> environment = new HashMap<>(System.getenv());
    waitAsleep(environment);
    String name = environment.containsKey(SPIN_COUNT) ? SPIN_COUNT : WAIT_POLICY;
    return name + "=" + environment.get(name);
  }

  /** @throws LlamaProcessException when there is no such process to be had */
  static Process start() {
    try {
      return builder().start();
    } catch (IOException e) {
      throw new LlamaProcessException("cannot start a Java process for llama.cpp: " + e.getMessage() + "; check the Java installation and free memory", true, e);
    }
  }

  private static String classPath() {
    Set<String> entries = new LinkedHashSet<>();
    for (Class<?> needed : List.of(LlamaWorker.class, de.kherud.llama.LlamaModel.class, ObjectMapper.class, JsonFactory.class, JsonProperty.class)) {
      CodeSource source = needed.getProtectionDomain().getCodeSource();
      try {
        if (source == null) {
          return System.getProperty("java.class.path");
        }
        entries.add(Path.of(source.getLocation().toURI()).toString());
      } catch (URISyntaxException | IllegalArgumentException | java.nio.file.FileSystemNotFoundException e) {
        return System.getProperty("java.class.path");
      }
    }
    return String.join(File.pathSeparator, entries);
  }
}
