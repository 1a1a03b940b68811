import { ensureBuild, ensureModules } from './setup.mjs';

ensureModules();
ensureBuild();
