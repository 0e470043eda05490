"""What every route uses: settings, errors, schemas, parameters, logs."""
