package dev.graft.eval.cli;

import dev.graft.bindings.Recompute;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** {@code --recompute none|block|offload}. */
public final class RecomputeConverter implements ITypeConverter<Recompute> {
  @Override
  public Recompute convert(String text) {
    return Recompute.of(text).orElseThrow(() -> new TypeConversionException(text + " is not known; give none, block or offload"));
  }
}
