package dev.graft.eval.synthetic.clinic;

/** Sex of a patient, with the words that depend on it. */
public enum Sex {
  FEMALE("she", "her", "her", "herself", "woman", "female", "F"),
  MALE("he", "his", "him", "himself", "man", "male", "M");

  private final String she;
  private final String her;
  private final String object;
  private final String herself;
  private final String noun;
  private final String adjective;
  private final String letter;

  Sex(String she, String her, String object, String herself, String noun, String adjective, String letter) {
    this.she = she;
    this.her = her;
    this.object = object;
    this.herself = herself;
    this.noun = noun;
    this.adjective = adjective;
    this.letter = letter;
  }

  /** she, he. */
  public String she() {
    return she;
  }

  /** The possessive: her, his. */
  public String her() {
    return her;
  }

  /** The object: her, him. */
  public String object() {
    return object;
  }

  /** herself, himself. */
  public String herself() {
    return herself;
  }

  /** woman, man. */
  public String noun() {
    return noun;
  }

  /** female, male. */
  public String adjective() {
    return adjective;
  }

  /** F, M. */
  public String letter() {
    return letter;
  }
}
