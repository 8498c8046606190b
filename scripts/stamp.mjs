// npm's postinstall: an install made by hand counts for the bootstrap too.
import { stamp } from "./bootstrap.mjs";

stamp();
