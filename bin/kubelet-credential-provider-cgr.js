#!/usr/bin/env node

// The program looks at the name it was started by.
require('./chainctl.js');
