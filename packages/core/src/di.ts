// SPDX-License-Identifier: MIT
// reflect-metadata must be evaluated before tsyringe; nothing else may import either of them.
import "reflect-metadata";

export { container, type DependencyContainer, inject, injectable } from "tsyringe";
