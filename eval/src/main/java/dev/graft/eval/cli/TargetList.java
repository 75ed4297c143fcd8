package dev.graft.eval.cli;

import picocli.CommandLine.ITypeConverter;

/** A list of projections such as {@code attn_q, attn_v}, without the spaces around its commas. */
public final class TargetList implements ITypeConverter<String> {
  @Override
  public String convert(String text) {
    return text.strip().replaceAll("\\s*,\\s*", ",");
  }
}
